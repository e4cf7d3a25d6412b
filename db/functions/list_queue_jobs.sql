-- The jobs of a queue that have failed: for good (p_state = dead) or for now (failed), newest first, p_limit after p_before.
-- Of the payload only ids are shown, and payloads hold nothing else. A schedule's are the runs that failed for good.
-- Bounded as queue_figures.
create or replace function public.list_queue_jobs(p_queue text, p_state text, p_before bigint default null, p_limit integer default 50)
returns jsonb
language sql stable security definer set search_path = '' as $$
  with seen as materialized (
    select * from graphile_worker._private_jobs limit 50000
  ), jobs as (
    select j.id, j.id::text as job_id, j.payload, j.attempts, j.max_attempts, j.last_error, j.created_at, j.updated_at as failed_at, j.run_at
      from seen j
      where j.task_id = (select id from graphile_worker._private_tasks where identifier = p_queue)
        and j.locked_at is null
        and case p_state when 'dead' then j.attempts >= j.max_attempts
          else j.attempts between 1 and j.max_attempts - 1 and j.last_error is not null end
        and (p_before is null or j.id < p_before)
      order by j.id desc limit p_limit
  ), runs as (
    select null::bigint, id::text, null::json, source_retry_count + 1, source_retry_count + 1,
        coalesce(source_output ->> 'message', source_output #>> '{value,message}', source_output::text), source_created_on, created_on, null::timestamptz
      from pgboss.job where name = 'failed_schedules' and state < 'active' and source_name = p_queue and p_state = 'dead' and p_before is null
      order by created_on desc limit p_limit
  )
  select coalesce(jsonb_agg(jsonb_build_object(
      'id', job_id,
      'ids', coalesce((select jsonb_object_agg(key, value) from json_each_text(payload) where key like '%\_id' or key = 'schedule'), '{}'),
      'attempts', attempts, 'max_attempts', max_attempts, 'last_error', left(last_error, 2000),
      'created_at', public.iso_time(created_at), 'failed_at', public.iso_time(failed_at),
      'next_try_at', case when attempts < max_attempts then public.iso_time(run_at) end) order by id desc nulls last, failed_at desc), '[]')
    from (select * from jobs union all select * from runs) listed
$$;
revoke all on function public.list_queue_jobs from public;
grant execute on function public.list_queue_jobs to studio;
