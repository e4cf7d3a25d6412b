-- Tasks and schedules whose newest job that failed for good no alert speaks of: whoever should have raised it could not write (full disk,
-- database away), or is dead. An alert that is resolved speaks of what failed before it; the worker raises it a moment before the failure
-- is written down. Of schedules only those whose runs are tried again: the others' next run is due within a minute, and does what
-- this one should have done.
-- Bounded as queue_figures; no index knows the dead.
create or replace function public.list_untold_failures()
returns table (kind text, name text, job_id text, reason text)
language sql stable security definer set search_path = '' as $$
  with seen as materialized (
    select id, task_id, attempts, max_attempts, locked_at, updated_at from graphile_worker._private_jobs limit 50000
  ), tasks as (
    select distinct on (task_id) id, task_id, updated_at from seen
      where locked_at is null and attempts >= max_attempts
      order by task_id, updated_at desc
  ), failures as (
    select 'task' as kind, 'job_failed:' || t.identifier as dedupe_key, t.identifier as name, d.id::text as job_id,
        (select last_error from graphile_worker._private_jobs j where j.id = d.id) as reason, d.updated_at as failed_at
      from tasks d join graphile_worker._private_tasks t on t.id = d.task_id
    union all
    (select distinct on (source_name) 'schedule', 'schedule_failed:' || source_name, source_name, id::text,
        coalesce(source_output ->> 'message', source_output #>> '{value,message}', source_output::text), created_on
      from pgboss.job
      where name = 'failed_schedules' and state < 'active' and source_name is not null and source_retry_count > 0
      order by source_name, created_on desc)
  )
  select f.kind, f.name, f.job_id, coalesce(f.reason, 'It does not say why.') from failures f
    where not exists (select from public.alerts a
      where a.dedupe_key = f.dedupe_key and a.last_at >= f.failed_at - interval '1 minute')
    order by f.kind, f.name
$$;
revoke all on function public.list_untold_failures from public;
grant execute on function public.list_untold_failures to jobs;
