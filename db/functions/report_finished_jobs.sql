-- What a worker process has finished since it last asked, [{queue, completed, failed}], is added to the totals; returns the
-- queues that are paused. Asked a few times a second by every process: with nothing finished it only reads.
-- Locks: rows of queues in their order, for the length of the call.
create or replace function public.report_finished_jobs(p_counts jsonb) returns text[]
language plpgsql security definer set search_path = '' as $$
begin
  if jsonb_array_length(p_counts) > 0 then
    insert into public.queues as q (queue, kind, completed, failed, completed_at, failed_at)
      select queue, 'task', completed, failed, case when completed > 0 then clock_timestamp() end, case when failed > 0 then clock_timestamp() end
        from jsonb_to_recordset(p_counts) as given (queue text, completed bigint, failed bigint)
        order by queue
      on conflict (queue) do update set completed = q.completed + excluded.completed, failed = q.failed + excluded.failed,
        completed_at = coalesce(excluded.completed_at, q.completed_at), failed_at = coalesce(excluded.failed_at, q.failed_at);
  end if;
  return array(select queue from public.paused_queues);
end
$$;
revoke all on function public.report_finished_jobs from public;
grant execute on function public.report_finished_jobs to jobs;
