-- The queue monitor: every queue that workers serve or jobs wait in, with its figures (queue_figures), what came through in
-- the last hour and since it is known, and by whom it is paused; and how many worker pools are alive. Runs twice a second
-- while somebody watches.
create or replace function public.read_queues() returns jsonb
language sql stable security definer set search_path = '' as $$
  with figures as materialized (
    select * from public.queue_figures()
  ), hour_ago as materialized (
    select queue, completed, failed_tries from public.queue_metrics
      where recorded_at = (select min(recorded_at) from public.queue_metrics where recorded_at >= now() - interval '1 hour')
  )
  select jsonb_build_object(
    'worker_pools', (select count(*) from public.worker_heartbeats where beat_at > clock_timestamp() - interval '40 seconds'),
    'is_capped', coalesce((select bool_or(is_capped) from figures), false),
    'queues', coalesce(jsonb_agg(jsonb_build_object(
        'queue', queue,
        'kind', coalesce(q.kind, 'task'),
        'period', q.period,
        'is_discardable', coalesce(q.is_discardable, false),
        'is_pausable', coalesce(q.is_pausable, false),
        'waiting', coalesce(f.waiting, 0),
        'scheduled', coalesce(f.scheduled, 0),
        'active', coalesce(f.active, 0),
        'failed', coalesce(f.failed, 0),
        'dead', coalesce(f.dead, 0),
        'oldest_waiting_seconds', coalesce(f.oldest_waiting_seconds, 0),
        'completed', coalesce(q.completed, 0),
        'completed_last_hour', coalesce(q.completed - coalesce(h.completed, 0), 0),
        'failed_tries_last_hour', coalesce(q.failed - coalesce(h.failed_tries, 0), 0),
        'completed_at', public.iso_time(q.completed_at),
        'paused', case when p.queue is not null then jsonb_build_object('reason', p.reason, 'by', p.paused_by, 'at', public.iso_time(p.paused_at)) end)
      order by queue), '[]'))
  from public.queues q full join figures f using (queue) left join hour_ago h using (queue) left join public.paused_queues p using (queue)
$$;
revoke all on function public.read_queues from public;
grant execute on function public.read_queues to studio;
