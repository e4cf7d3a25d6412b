-- The PSP may or may not have the order (time-out, lost reply). Nothing is assumed: the attempt waits as unknown, is looked
-- up again, and the gateway cools down meanwhile.
-- Locks: transaction, attempt, gateway_states.
create or replace function public.record_psp_order_unknown(p_attempt_id uuid, p_error jsonb, p_latency_ms integer) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_attempt public.payment_attempts;
begin
  perform from public.transactions
    where id = (select transaction_id from public.payment_attempts where id = p_attempt_id) for update;
  update public.payment_attempts set
      status = 'unknown', error_code = p_error ->> 'code', error_message = p_error ->> 'message',
      response_code = (p_error ->> 'http_status')::integer, latency_ms = p_latency_ms,
      next_lookup_at = now() + public.lookup_delay(lookups), updated_at = now()
    where id = p_attempt_id and psp_order_id is null and status in ('created', 'unknown')
    returning * into v_attempt;
  if found then
    perform public.cool_gateway(v_attempt.gateway_id, p_error ->> 'code', v_attempt.response_code, (p_error ->> 'retry_after_seconds')::integer);
  end if;
end
$$;
revoke all on function public.record_psp_order_unknown from public;
grant execute on function public.record_psp_order_unknown to jobs;
