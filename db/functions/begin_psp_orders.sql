-- Claims the making of attempts' orders at their PSPs: marks them started (before the PSP is called, so that a later run knows an
-- order may exist) and returns attempt_work of each as it was before. What is not returned has nothing left to do: the order is
-- known, or the payment ended meanwhile; or it is direct UPI, which is begun alone, as it may have to lock more than its own row
-- (mark_upi_amount).
-- Locks: the attempts in id order; for direct UPI its gateway_states row. Waits a quarter of a second at most (55P03): then the
-- caller begins each alone (p_is_alone), which waits as long as it takes, and one that is held by somebody keeps nobody else waiting.
-- Joins look rows up by key, as checkout's do (db/prepare.ts): plans are kept, and one made while a table was small would read all of
-- it when it has grown.
create or replace function public.begin_psp_orders(p_attempt_ids uuid[], p_is_alone boolean)
returns table (attempt_id uuid, work jsonb)
language plpgsql security definer set search_path = '' set lock_timeout = '250ms' set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  r record;
begin
  if p_is_alone then
    set local lock_timeout = 0;
  end if;
  for r in
    update public.payment_attempts a
      set started_at = coalesce(a.started_at, now()), next_lookup_at = now() + interval '2 minutes', updated_at = now()
      from (select id from unnest(p_attempt_ids) id order by id) asked, public.transactions t, public.payment_gateways g, public.clients c
      where a.id = asked.id and t.id = a.transaction_id and g.id = a.gateway_id and c.id = a.client_id
        and a.status in ('created', 'unknown') and a.psp_order_id is null
        and (a.started_at is not null or t.status in ('created', 'pending', 'failed'))
        and (g.provider <> 'upi' or p_is_alone)
      returning a.id, old.started_at is not null as started_before, g.provider = 'upi' as is_upi, g.split_enabled,
        public.attempt_work_view(old, t, g, c, null) as work
  loop
    attempt_id := r.id;
    work := r.work;
    if r.is_upi then
      perform public.mark_upi_amount(r.id);
    elsif r.split_enabled and not r.started_before then
      perform public.ask_split(r.id);
    end if;
    if r.is_upi or r.split_enabled or r.started_before then
      work := jsonb_set(public.attempt_work(r.id), '{started_before}', to_jsonb(r.started_before));
    end if;
    return next;
  end loop;
end
$$;
revoke all on function public.begin_psp_orders from public;
grant execute on function public.begin_psp_orders to jobs;
