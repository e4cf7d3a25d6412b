-- What monitoring asks the database: queues, workers, payments that should be over, events that wait, the books, backups,
-- and what payments succeed. Each figure from an index or a table of a few rows; null where there is nothing yet.
create or replace function public.read_metrics() returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object(
    'queues', coalesce((select jsonb_agg(to_jsonb(f)) from public.queue_figures() f), '[]'),
    'worker_silence_seconds', (select extract(epoch from clock_timestamp() - max(beat_at)) from public.worker_heartbeats),
    'payment_overdue_seconds', (select greatest(0, extract(epoch from clock_timestamp() - min(expires_at)))
      from public.transactions where status in ('created', 'pending') and paid_at is null and caps_booked_at is not null),
    'webhook_oldest_untried_seconds', (select extract(epoch from clock_timestamp() - min(created_at))
      from (select created_at, attempts from public.webhook_events where status = 'pending' order by id limit 1000) e where attempts = 0),
    'ledger_violations', (select (output ->> 'violations')::integer from pgboss.job
      where name = 'check_invariants' and state = 'completed' order by completed_on desc limit 1),
    'backup_age_seconds', (select extract(epoch from clock_timestamp() - finished_at)
      from public.backups where kind = 'base' and result = 'succeeded' order by id desc limit 1),
    'restore_test_age_seconds', (select extract(epoch from clock_timestamp() - finished_at)
      from public.backups where kind = 'restore_test' and result = 'succeeded' order by id desc limit 1),
    'alerts', coalesce((select jsonb_object_agg(severity, n)
      from (select severity, count(*) as n from public.alerts where status <> 'resolved' group by 1) a), '{}'),
    'gateways_under_last_week', (select count(*) from public.alerts where kind = 'success_rate_dropped' and status <> 'resolved'),
    'gateways', coalesce((select jsonb_agg(to_jsonb(g)) from (
      select provider, sum(succeeded)::integer as succeeded, sum(failed)::integer as failed from public.payment_minutes
        where minute >= date_trunc('minute', clock_timestamp()) - interval '1 hour' and provider <> '' group by 1) g), '[]'),
    'buffer_hits', (select blks_hit from pg_stat_database where datname = current_database()),
    'buffer_reads', (select blks_read from pg_stat_database where datname = current_database()))
$$;
revoke all on function public.read_metrics from public;
grant execute on function public.read_metrics to checkout, jobs;
