-- The PSP certainly has no order for this attempt. The attempt fails; a gateway that refused for its own reasons cools
-- down; and in the same transaction the payment moves to the next gateway of the merchant (at most 5 attempts), or fails.
-- p_error: {code, message, http_status, retry_after_seconds}. Returns the next attempt's id, or null.
-- Locks: transaction, attempt, client_usage, gateway_states.
create or replace function public.record_psp_order_failure(p_attempt_id uuid, p_error jsonb, p_latency_ms integer) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  v_attempt public.payment_attempts;
  v_transaction public.transactions;
  v_gateway_id uuid;
  v_routing jsonb;
  v_next uuid;
  v_now timestamptz;
begin
  select t.* into v_transaction from public.transactions t
    where t.id = (select transaction_id from public.payment_attempts where id = p_attempt_id) for update;
  if not found then
    raise exception using errcode = 'LS020', message = 'no such attempt', detail = p_attempt_id::text;
  end if;
  update public.payment_attempts set
      status = 'failed', error_code = p_error ->> 'code', error_message = p_error ->> 'message',
      response_code = (p_error ->> 'http_status')::integer, latency_ms = p_latency_ms,
      settled_at = now(), next_lookup_at = null, updated_at = now()
    where id = p_attempt_id and psp_order_id is null and status in ('created', 'unknown')
    returning * into v_attempt;
  if not found then
    return null;
  end if;

  perform from public.client_usage where client_id = v_attempt.client_id for update;
  v_now := clock_timestamp();
  if p_error ->> 'code' in ('rate_limited', 'psp_unavailable', 'timed_out', 'unreadable_answer', 'authentication_failed') then
    perform public.cool_gateway(v_attempt.gateway_id, p_error ->> 'code', v_attempt.response_code, (p_error ->> 'retry_after_seconds')::integer);
  end if;
  if v_transaction.status in ('created', 'pending', 'failed') and v_transaction.expires_at > now() and v_attempt.attempt_no < 5 then
    select p.gateway_id, p.routing into v_gateway_id, v_routing from public.pick_gateway(
        v_transaction.client_id, v_transaction.amount, v_transaction.currency,
        -- after a page that the payer has seen, the method is theirs to choose
        case when not exists (select from public.payment_attempts
          where transaction_id = v_transaction.id and psp_order_id is not null) then v_transaction.method end,
        (select array_agg(gateway_id) from public.payment_attempts where transaction_id = v_transaction.id), v_now) p;
  end if;
  if v_gateway_id is not null then
    insert into public.payment_attempts (transaction_id, client_id, gateway_id, attempt_no, amount, routing, created_at)
      values (v_transaction.id, v_transaction.client_id, v_gateway_id, v_attempt.attempt_no + 1, v_transaction.amount, v_routing, v_now)
      returning id into v_next;
    update public.transactions set gateway_id = v_gateway_id, updated_at = now() where id = v_transaction.id;
    perform graphile_worker.add_job(public.egress_task('create_psp_order', v_gateway_id), json_build_object('attempt_id', v_next), max_attempts => 3);
    perform pg_notify('job_lane', 'orders');
  elsif v_transaction.status in ('created', 'pending') and not exists (
      select from public.payment_attempts where transaction_id = v_transaction.id and status in ('created', 'pending', 'authorized', 'unknown')) then
    update public.transactions set
        status = 'failed', version = version + 1, updated_at = now(),
        error_code = p_error ->> 'code', error_message = 'No payment provider could take this payment.'
      where id = v_transaction.id
      returning * into v_transaction;
    perform public.write_transaction_events(array[v_transaction]);
  else
    update public.transactions set version = version + 1, updated_at = now() where id = v_transaction.id;
    perform pg_notify('transaction_status', v_transaction.id::text);
  end if;
  perform public.release_bookings(array[p_attempt_id]);
  return v_next;
end
$$;
revoke all on function public.record_psp_order_failure from public;
grant execute on function public.record_psp_order_failure to jobs;
