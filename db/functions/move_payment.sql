-- Makes the next attempt of a payment, on another gateway, after the PSP said that the attempt the payer leaves has taken no
-- money. p_is_closed: its order was closed there and cannot be paid any more; otherwise it is looked up further, and a
-- payment of it beside the new one is given back. Returns the next attempt's id; null when the payment stays where it is.
-- Locks: transaction, attempt, client_usage, gateway_states.
create or replace function public.move_payment(p_attempt_id uuid, p_is_closed boolean) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  v_transaction public.transactions;
  v_attempt public.payment_attempts;
  v_gateway_id uuid;
  v_routing jsonb;
  v_next uuid;
  v_now timestamptz;
  -- another attempt of the payment may still take money
  v_is_open boolean;
begin
  select t.* into v_transaction from public.transactions t
    where t.id = (select transaction_id from public.payment_attempts where id = p_attempt_id) for update;
  if not found then
    raise exception using errcode = 'LS020', message = 'no such attempt', detail = p_attempt_id::text;
  end if;
  select * into strict v_attempt from public.payment_attempts where id = p_attempt_id for update;
  if v_attempt.move_requested_at is null then
    return null;
  end if;
  if p_is_closed then
    update public.payment_attempts set closed_at = now(), next_lookup_at = null where id = p_attempt_id;
  end if;
  if v_attempt.status in ('pending', 'failed') and v_attempt.attempt_no < 5
      and v_transaction.status in ('created', 'pending', 'failed') and v_transaction.expires_at > now()
      and not exists (select from public.payment_attempts where transaction_id = v_transaction.id and attempt_no > v_attempt.attempt_no) then
    perform from public.client_usage where client_id = v_attempt.client_id for update;
    v_now := clock_timestamp();
    -- the method was the merchant's guess; the payer is about to choose another way
    select p.gateway_id, p.routing into v_gateway_id, v_routing from public.pick_gateway(
        v_transaction.client_id, v_transaction.amount, v_transaction.currency, null,
        (select array_agg(gateway_id) from public.payment_attempts where transaction_id = v_transaction.id), v_now) p;
  end if;
  v_is_open := exists (select from public.payment_attempts where transaction_id = v_transaction.id and id <> p_attempt_id
    and status in ('created', 'pending', 'authorized', 'unknown'));
  if v_gateway_id is null and not (p_is_closed and v_attempt.status = 'pending') then
    perform public.abandon_move(p_attempt_id);
    return null;
  end if;

  update public.payment_attempts set
      move_requested_at = null, settled_at = coalesce(settled_at, now()), updated_at = now(), status = 'failed',
      error_code = case status when 'pending' then 'cancelled_by_payer' else error_code end,
      error_message = case status when 'pending' then 'The payer chose another way to pay.' else error_message end
    where id = p_attempt_id;
  if v_gateway_id is not null then
    insert into public.payment_attempts (transaction_id, client_id, gateway_id, attempt_no, amount, routing, created_at)
      values (v_transaction.id, v_transaction.client_id, v_gateway_id, v_attempt.attempt_no + 1, v_transaction.amount, v_routing, v_now)
      returning id into v_next;
    if v_transaction.caps_booked_at is null then
      perform public.book_caps(v_transaction.id);
    end if;
    perform graphile_worker.add_job(public.egress_task('create_psp_order', v_gateway_id), json_build_object('attempt_id', v_next),
      max_attempts => 3, priority => -1);
    perform pg_notify('job_lane', 'orders');
  end if;
  update public.transactions set
      gateway_id = coalesce(v_gateway_id, gateway_id), version = version + 1, updated_at = now(),
      status = case when v_next is null and not v_is_open then 'failed' else status end,
      error_code = case when v_next is null and not v_is_open then 'cancelled_by_payer' else error_code end,
      error_message = case when v_next is null and not v_is_open then 'The payer left, and no other provider could take this payment.' else error_message end
    where id = v_transaction.id;
  if v_next is null and not v_is_open and v_transaction.status <> 'failed' then
    perform public.write_transaction_events(array[t]) from public.transactions t where t.id = v_transaction.id;
  else
    perform pg_notify('transaction_status', v_transaction.id::text);
  end if;
  perform public.release_bookings(array[p_attempt_id]);
  return v_next;
end
$$;
revoke all on function public.move_payment from public;
grant execute on function public.move_payment to jobs;
