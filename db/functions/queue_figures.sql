-- How many jobs of each queue are in which state, now; each job is in one:
--   active     a worker has it
--   dead       failed, and out of tries
--   failed     failed, and tried again by itself
--   scheduled  for later
--   waiting    for a worker
-- Queues without a job are listed by read_queues. Bounded: of a backlog of more than 50,000 jobs it sees the first 50,000,
-- says so (is_capped), and the figures are lower bounds. pg-boss keeps what is done in the same table, so the open runs of
-- its schedules are found through its partial index (queues of the policy exclusive), the dead ones by their queue.
create or replace function public.queue_figures() returns table (
  queue text, waiting integer, scheduled integer, active integer, failed integer, dead integer, oldest_waiting_seconds integer,
  is_capped boolean
)
language sql stable security definer set search_path = '' as $$
  with jobs as materialized (
    select task_id, locked_at, attempts, max_attempts, run_at, last_error from graphile_worker._private_jobs limit 50000
  ), states as (
    select task_id, run_at,
        case when locked_at is not null then 'active' when attempts >= max_attempts then 'dead'
          when attempts > 0 and last_error is not null then 'failed' when run_at > clock_timestamp() then 'scheduled' else 'waiting' end as state
      from jobs
  ), tasks as (
    select task_id, count(*) filter (where state = 'waiting') as waiting, count(*) filter (where state = 'scheduled') as scheduled,
        count(*) filter (where state = 'active') as active, count(*) filter (where state = 'failed') as failed,
        count(*) filter (where state = 'dead') as dead, min(run_at) filter (where state = 'waiting') as oldest
      from states group by 1
  ), runs as (
    select name as queue, count(*) filter (where state = 'created') as waiting, count(*) filter (where state = 'active') as active,
        count(*) filter (where state = 'retry') as failed, 0 as dead, min(start_after) filter (where state = 'created') as oldest
      from pgboss.job where state <= 'active' and policy = 'exclusive' group by 1
    union all
    select source_name, 0, 0, 0, count(*), null from pgboss.job
      where name = 'failed_schedules' and state < 'active' and source_name is not null group by 1
  )
  select t.identifier, waiting::integer, scheduled::integer, active::integer, failed::integer, dead::integer,
      coalesce(greatest(0, extract(epoch from clock_timestamp() - oldest)), 0)::integer,
      (select count(*) from jobs) >= 50000
    from tasks join graphile_worker._private_tasks t on t.id = task_id
  union all
  select runs.queue, sum(waiting)::integer, 0, sum(active)::integer, sum(failed)::integer, sum(dead)::integer,
      coalesce(greatest(0, extract(epoch from clock_timestamp() - min(oldest))), 0)::integer, false
    from runs group by 1
$$;
revoke all on function public.queue_figures from public;
