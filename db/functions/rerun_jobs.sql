-- Failed jobs of a queue, one (p_job_id) or all, are run now instead of later: those that would be tried again anyway
-- (p_state = failed; the try counts), or those that are dead (dead; all their tries anew). At most p_limit at a time, oldest
-- first. Of a schedule only the dead can be run again: one run, which does what they left undone, and they are closed.
-- Every task bears being run again. Returns {jobs, more}. Audited.
-- Locks: jobs with skip locked: what a worker has meanwhile is left to it.
-- Errors: LS044 reason_needed, LS150 no_such_queue, LS154 no_such_job, LS021 not_an_outcome.
create or replace function public.rerun_jobs(
  p_queue text, p_state text, p_job_id text, p_reason text, p_actor text, p_limit integer default 10000
) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  q constant public.queues := public.find_queue(p_queue, p_reason);
  v_ids bigint[];
  v_count integer;
begin
  if p_state not in ('failed', 'dead') or p_state is null then
    raise exception using errcode = 'LS021', message = 'no such state', detail = p_state;
  end if;
  if q.kind = 'schedule' then
    select count(*) into v_count from pgboss.job
      where p_state = 'dead' and name = 'failed_schedules' and state < 'active' and source_name = p_queue and (p_job_id is null or id::text = p_job_id);
    if v_count > 0 then
      perform graphile_worker.add_job('run_schedule', json_build_object('schedule', p_queue), max_attempts => 5, job_key => 'run_schedule:' || p_queue);
    end if;
  else
    v_ids := array(
      select id from graphile_worker._private_jobs
        where task_id = (select id from graphile_worker._private_tasks where identifier = p_queue)
          and locked_at is null
          and case p_state when 'dead' then attempts >= max_attempts else attempts between 1 and max_attempts - 1 and last_error is not null end
          and (p_job_id is null or id::text = p_job_id)
        order by id limit p_limit for update skip locked);
    perform graphile_worker.reschedule_jobs(v_ids, run_at => clock_timestamp(), attempts => case when p_state = 'dead' then 0 end);
    v_count := cardinality(v_ids);
  end if;
  if v_count = 0 then
    raise exception using errcode = 'LS154', message = 'there is no such job any more', detail = coalesce(p_job_id, p_queue),
      hint = 'It was run, or somebody has asked for it meanwhile.';
  end if;
  perform public.record_audit(p_actor, case p_state when 'dead' then 'redrive_jobs' else 'retry_jobs' end, 'queues', p_queue,
    jsonb_strip_nulls(jsonb_build_object('reason', btrim(p_reason), 'jobs', v_count, 'job_id', p_job_id)));
  perform pg_notify('jobs:insert', json_build_object('count', v_count)::text);
  return jsonb_build_object('jobs', v_count, 'more', q.kind = 'task' and v_count = p_limit);
end
$$;
revoke all on function public.rerun_jobs from public;
grant execute on function public.rerun_jobs to studio;
