-- record_psp_order for many attempts in one commit. p_orders: [{attempt_id, psp_order_id, presentation, latency_ms}].
-- Locks: all transactions, then all attempts, then client_usage of merchants with a gateway on its way back from a cool-down, each
-- in id order; then such a gateway's gateway_states. Waits a quarter of a second at most (55P03), as begin_psp_orders.
create or replace function public.record_psp_orders(p_orders jsonb) returns void
language plpgsql security definer set search_path = '' set lock_timeout = '250ms' as $$
declare
  v_attempt_ids constant uuid[] := array(select (value ->> 'attempt_id')::uuid from jsonb_array_elements(p_orders));
begin
  perform from public.transactions where id in (select transaction_id from public.payment_attempts where id = any (v_attempt_ids))
    order by id for update;
  perform from public.payment_attempts where id = any (v_attempt_ids) order by id for update;
  perform from public.client_usage where client_id in (
      select s.client_id from public.payment_attempts a join public.gateway_states s on s.gateway_id = a.gateway_id
        where a.id = any (v_attempt_ids) and s.probe_stage is not null)
    order by client_id for update;
  perform public.record_psp_order(o.attempt_id, o.psp_order_id, o.presentation, o.latency_ms)
    from jsonb_to_recordset(p_orders) as o (attempt_id uuid, psp_order_id text, presentation jsonb, latency_ms integer)
    order by o.attempt_id;
end
$$;
revoke all on function public.record_psp_orders from public;
grant execute on function public.record_psp_orders to jobs;
