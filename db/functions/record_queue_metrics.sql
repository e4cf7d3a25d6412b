-- One line a queue of what waits, runs and has failed, and of the totals, for the queue monitor; keeps two days. All lines of
-- one call have the same time.
create or replace function public.record_queue_metrics() returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_count integer;
begin
  insert into public.queue_metrics (recorded_at, queue, waiting, scheduled, active, failed, dead, oldest_waiting_seconds, completed, failed_tries)
    select v_now, coalesce(q.queue, f.queue), coalesce(f.waiting, 0), coalesce(f.scheduled, 0), coalesce(f.active, 0), coalesce(f.failed, 0),
        coalesce(f.dead, 0), coalesce(f.oldest_waiting_seconds, 0), coalesce(q.completed, 0), coalesce(q.failed, 0)
      from public.queues q full join public.queue_figures() f on f.queue = q.queue;
  get diagnostics v_count = row_count;
  delete from public.queue_metrics where recorded_at < v_now - interval '2 days';
  return v_count;
end
$$;
revoke all on function public.record_queue_metrics from public;
grant execute on function public.record_queue_metrics to jobs;
