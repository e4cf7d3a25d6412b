-- begin_psp_order for many attempts in one commit, in the order of their ids. `apart`: not begun, as it may have to lock more than
-- its own rows (direct UPI, whose amounts are told apart); the caller begins it by itself.
-- Locks: the attempts. Waits a quarter of a second at most (55P03): then the caller begins each by itself, and one that is held
-- by somebody keeps nobody else waiting.
create or replace function public.begin_psp_orders(p_attempt_ids uuid[]) returns table (attempt_id uuid, work jsonb, apart boolean)
language plpgsql security definer set search_path = '' set lock_timeout = '250ms' as $$
begin
  return query
    select a.id, case when g.provider <> 'upi' then public.begin_psp_order(a.id) end, g.provider = 'upi'
      from (select x.id, x.gateway_id from public.payment_attempts x where x.id = any (p_attempt_ids) order by x.id) a
      join public.payment_gateways g on g.id = a.gateway_id;
end
$$;
revoke all on function public.begin_psp_orders from public;
grant execute on function public.begin_psp_orders to jobs;
