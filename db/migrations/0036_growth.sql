-- How dead rows are cleared away where payments are many.
--
-- By default a table is cleared when a fifth of its rows are dead: of twenty million that is a day's work at once, and until then
-- look-ups step over the dead. In fiftieths each round stays so small that the indexes need not be read for it (PostgreSQL leaves
-- them out while fewer than 2 % of the pages have dead rows).
alter table public.transactions set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
alter table public.payment_attempts set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
alter table public.gateway_events set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
alter table public.webhook_events set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);

-- Small, and each row is rewritten many times a second: cleared without a pause.
alter table public.gateway_states set (autovacuum_vacuum_cost_delay = 0);
alter table public.client_usage set (autovacuum_vacuum_cost_delay = 0);
-- Fetching a job reads the index past all that were finished since the last round. However long the queue is, not more than
-- a fiftieth of it may be dead.
alter table graphile_worker._private_jobs set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0);
