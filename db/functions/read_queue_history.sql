-- The line chart of one queue, or of all together (null): at most p_points points over the last p_minutes, each the state at
-- its time, and how many jobs a minute came through since the point before.
-- Reads queue_metrics by (queue, recorded_at): at most 721 lines a queue and hour.
create or replace function public.read_queue_history(p_queue text, p_minutes integer, p_points integer default 240) returns jsonb
language sql stable security definer set search_path = '' as $$
  with span as (
    select greatest(5, p_minutes * 60 / p_points) * interval '1 second' as step, now() - p_minutes * interval '1 minute' as since
  ), names as (
    select queue from public.queues where p_queue is null or queue = p_queue
  ), lines as (
    -- of each step the last line a queue
    select distinct on (slot, m.queue) date_bin(step, m.recorded_at, '2000-01-01') as slot, m.*
      from span, names, lateral (
        select * from public.queue_metrics k where k.queue = names.queue and k.recorded_at >= since) m
      order by slot, m.queue, m.recorded_at desc
  ), points as (
    select slot, max(recorded_at) as at, sum(waiting) as waiting, sum(active) as active, sum(failed) as failed, sum(dead) as dead,
        sum(completed) as completed
      from lines group by slot
  )
  select jsonb_build_object('at', coalesce(jsonb_agg(round(extract(epoch from at)) order by at), '[]'),
      'waiting', coalesce(jsonb_agg(waiting order by at), '[]'), 'active', coalesce(jsonb_agg(active order by at), '[]'),
      'failed', coalesce(jsonb_agg(failed order by at), '[]'), 'dead', coalesce(jsonb_agg(dead order by at), '[]'),
      'completed_a_minute', coalesce(jsonb_agg(a_minute order by at), '[]'))
    from (select *, round(greatest(0, completed - lag(completed) over (order by at))
        * 60 / nullif(extract(epoch from at - lag(at) over (order by at)), 0), 1) as a_minute from points) p
$$;
revoke all on function public.read_queue_history from public;
grant execute on function public.read_queue_history to studio;
