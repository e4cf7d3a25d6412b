-- A worker process says which queues it serves: [{queue, kind, period, is_discardable, is_pausable}]. What was counted stays.
create or replace function public.register_queues(p_queues jsonb) returns void
language sql security definer set search_path = '' as $$
  insert into public.queues as q (queue, kind, period, is_discardable, is_pausable)
    select queue, kind, period, is_discardable, is_pausable
      from jsonb_to_recordset(p_queues) as given (queue text, kind text, period text, is_discardable boolean, is_pausable boolean)
      order by queue
    on conflict (queue) do update set kind = excluded.kind, period = excluded.period,
        is_discardable = excluded.is_discardable, is_pausable = excluded.is_pausable
      where (q.kind, q.period, q.is_discardable, q.is_pausable)
        is distinct from (excluded.kind, excluded.period, excluded.is_discardable, excluded.is_pausable)
$$;
revoke all on function public.register_queues from public;
grant execute on function public.register_queues to jobs;
