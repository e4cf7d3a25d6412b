-- What settle_attempt does, but for the outgoing event: where the payment's status changed, the caller writes it in the same
-- transaction (write_transaction_events), for many payments at once.
--
-- p_state: {outcome: succeeded|failed|pending|authorized|unknown, psp_order_id, psp_payment_id, amount (paise), currency, method,
-- bank_reference, fee, error: {code, message}, raw}, as an adapter returns it.
--   succeeded  paid, also from failed or expired (late when after expires_at); only if amount and currency are what this
--              attempt asked for, else an alert and no change. A second success, of this attempt or another, is given back
--              by itself: one success an order. Other attempts that nobody has paid are closed with us; they are still
--              looked up.
--   failed     the attempt failed; the payment too, if no other attempt of it is open. The payer may still try again at the
--              PSP until the payment expires; paid is never undone by a failure, nor is an authorization by the failure of
--              another try.
--   pending, authorized, unknown: kept; looked up again later.
-- Safe to repeat: a hundred copies book one commission. Returns the payment, its status and whether that changed.
-- Locks: transaction, attempt, then client_usage, gateway_states, wallet.
create or replace function public.apply_attempt_state(p_attempt_id uuid, p_state jsonb)
returns table (transaction_id uuid, transaction_status text, changed boolean)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_outcome constant text := p_state ->> 'outcome';
  v_attempt public.payment_attempts;
  v_transaction public.transactions;
  v_others uuid[];
begin
  select t.* into v_transaction from public.transactions t
    where t.id = (select a.transaction_id from public.payment_attempts a where a.id = p_attempt_id) for update;
  if not found then
    raise exception using errcode = 'LS020', message = 'no such attempt', detail = p_attempt_id::text;
  end if;
  select * into strict v_attempt from public.payment_attempts where id = p_attempt_id for update;

  if v_outcome not in ('succeeded', 'failed', 'pending', 'authorized', 'unknown') or v_outcome is null then
    raise exception using errcode = 'LS021', message = 'not an outcome', detail = coalesce(v_outcome, 'null');
  end if;

  if v_attempt.status = 'succeeded' then
    if v_outcome = 'succeeded' and v_attempt.psp_payment_id is null then
      -- the PSP had not named the payment before
      update public.payment_attempts set psp_payment_id = p_state ->> 'psp_payment_id', updated_at = now() where id = p_attempt_id;
    elsif v_outcome = 'succeeded' and p_state ->> 'psp_payment_id' <> v_attempt.psp_payment_id then
      perform public.raise_second_success(v_transaction, v_attempt, p_state);
    end if;
    return query select v_transaction.id, v_transaction.status, false;
    return;
  end if;

  if v_outcome = 'succeeded' and ((p_state ->> 'amount')::bigint is distinct from coalesce(v_attempt.payable_amount, v_transaction.amount)
      or p_state ->> 'currency' is distinct from v_transaction.currency) then
    update public.payment_attempts set
        error_code = 'amount_mismatch', updated_at = now(), next_lookup_at = null,
        error_message = format('The PSP states %s %s, the order is for %s %s.', coalesce(p_state ->> 'amount', 'no amount'),
          coalesce(p_state ->> 'currency', ''), coalesce(v_attempt.payable_amount, v_transaction.amount), v_transaction.currency)
      where id = p_attempt_id;
    perform public.raise_alert('amount_mismatch', 'critical',
      'A PSP reports a success with another amount or currency than was ordered. It was not marked paid: compare with the PSP''s dashboard.',
      jsonb_build_object('transaction_id', v_transaction.id, 'attempt_id', p_attempt_id, 'ordered', v_transaction.amount,
        'reported', p_state -> 'amount', 'currency', p_state -> 'currency'),
      'amount_mismatch:' || p_attempt_id, v_transaction.client_id);
    return query select v_transaction.id, v_transaction.status, false;
    return;
  end if;

  if v_outcome in ('pending', 'authorized', 'unknown') then
    update public.payment_attempts set
        status = case when v_outcome = 'authorized' and status in ('created', 'pending', 'unknown', 'failed') then 'authorized' else status end,
        -- the payment that is authorized stays the one that counts until it is settled
        psp_payment_id = case when v_outcome = 'authorized' or status <> 'authorized'
          then coalesce(p_state ->> 'psp_payment_id', psp_payment_id) else psp_payment_id end,
        -- enqueue_pending_lookups sets the rhythm; this only keeps an open attempt in it
        next_lookup_at = coalesce(next_lookup_at, now() + public.lookup_delay(lookups)), updated_at = now()
      where id = p_attempt_id and created_at > now() - interval '8 days' and closed_at is null
        and presentation ->> 'kind' is distinct from 'upi';
    return query select v_transaction.id, v_transaction.status, false;
    return;
  end if;

  if v_outcome = 'failed' then
    if v_attempt.status = 'authorized' and v_attempt.psp_payment_id is distinct from p_state ->> 'psp_payment_id' then
      return query select v_transaction.id, v_transaction.status, false;
      return;
    end if;
    update public.payment_attempts set
        status = 'failed', psp_payment_id = coalesce(p_state ->> 'psp_payment_id', psp_payment_id),
        method = coalesce(p_state ->> 'method', method),
        error_code = p_state -> 'error' ->> 'code', error_message = p_state -> 'error' ->> 'message',
        settled_at = coalesce(settled_at, now()),
        -- the order can still be paid at the PSP, also after it expired with us
        next_lookup_at = case when closed_at is not null then null
          when v_transaction.expires_at > now() then v_transaction.expires_at
          when psp_order_id is not null and created_at > now() - interval '8 days'
          then coalesce(next_lookup_at, now() + public.lookup_delay(lookups)) end,
        updated_at = now()
      where id = p_attempt_id;
    if v_transaction.status in ('created', 'pending') and not exists (
        select from public.payment_attempts where transaction_id = v_transaction.id and id <> p_attempt_id
          and status in ('created', 'pending', 'authorized', 'unknown')) then
      update public.transactions set
          status = 'failed', version = version + 1, updated_at = now(),
          error_code = p_state -> 'error' ->> 'code', error_message = p_state -> 'error' ->> 'message'
        where id = v_transaction.id;
      perform public.release_bookings(array[p_attempt_id]);
      return query select v_transaction.id, 'failed'::text, true;
    else
      update public.transactions set
          error_code = p_state -> 'error' ->> 'code', error_message = p_state -> 'error' ->> 'message',
          version = version + 1, updated_at = now()
        where id = v_transaction.id and status = 'failed' and (v_attempt.status <> 'failed'
          or (error_code, error_message) is distinct from (p_state -> 'error' ->> 'code', p_state -> 'error' ->> 'message'));
      if found then
        perform pg_notify('transaction_status', v_transaction.id::text);
      end if;
      perform public.release_bookings(array[p_attempt_id]);
      return query select v_transaction.id, v_transaction.status, false;
    end if;
    return;
  end if;

  update public.payment_attempts set
      -- an id of before may be that of a try that failed
      status = 'succeeded', psp_payment_id = coalesce(p_state ->> 'psp_payment_id', case status when 'authorized' then psp_payment_id end),
      -- a webhook may overtake the reply with the order's id, or that reply is lost
      psp_order_id = coalesce(psp_order_id, p_state ->> 'psp_order_id'),
      method = coalesce(p_state ->> 'method', method), bank_reference = coalesce(p_state ->> 'bank_reference', bank_reference),
      psp_fee = coalesce((p_state ->> 'fee')::bigint, psp_fee), error_code = null, error_message = null,
      settled_at = now(), next_lookup_at = null, updated_at = now(), released_at = null
    where id = p_attempt_id;
  if v_attempt.released_at is not null then
    perform public.rebook(v_attempt, v_transaction.paid_at is null and v_transaction.caps_booked_at is null);
  end if;

  perform public.book_split(p_attempt_id);
  if v_transaction.status not in ('created', 'pending', 'failed', 'expired') then
    perform public.raise_second_success(v_transaction, v_attempt, p_state);
    return query select v_transaction.id, v_transaction.status, false;
    return;
  end if;

  update public.transactions set
      status = 'paid', paid_at = now(), is_late = now() > expires_at, gateway_id = v_attempt.gateway_id,
      gateway_txn_id = p_state ->> 'psp_payment_id', gateway_response = p_state -> 'raw',
      method = coalesce(p_state ->> 'method', method), error_code = null, error_message = null,
      version = version + 1, updated_at = now()
    where id = v_transaction.id
    returning * into v_transaction;
  with closed as (
    update public.payment_attempts set status = 'expired', updated_at = now()
      where transaction_id = v_transaction.id and id <> p_attempt_id and status in ('created', 'pending', 'unknown')
      returning id
  )
  select array_agg(id) into v_others from closed;
  if v_others is not null then
    perform public.release_bookings(v_others);
  end if;
  perform public.book_commission(v_transaction);
  if v_transaction.metadata ? 'payment_link_id' then
    perform public.check_single_use(v_transaction);
  end if;
  return query select v_transaction.id, 'paid'::text, true;
end
$$;
revoke all on function public.apply_attempt_state from public;
