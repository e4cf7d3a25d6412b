-- One line a task of what waits, runs and has failed for good, for the queue monitor; keeps two days. graphile_worker.jobs
-- is the library's public view.
create or replace function public.record_queue_metrics() returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_count integer;
begin
  insert into public.queue_metrics (recorded_at, queue, waiting, active, failed, oldest_waiting_seconds)
    select clock_timestamp(), task_identifier,
        count(*) filter (where locked_at is null and attempts < max_attempts and run_at <= now()),
        count(*) filter (where locked_at is not null),
        count(*) filter (where locked_at is null and attempts >= max_attempts),
        coalesce(extract(epoch from now() - min(run_at) filter (where locked_at is null and attempts < max_attempts and run_at <= now())), 0)
      from graphile_worker.jobs group by 2;
  get diagnostics v_count = row_count;
  delete from public.queue_metrics where recorded_at < now() - interval '2 days';
  return v_count;
end
$$;
revoke all on function public.record_queue_metrics from public;
grant execute on function public.record_queue_metrics to jobs;
