-- Records what a PSP says became of a refund. Its status, the payment's status and amount_refunded, the reversal of
-- commission, the event and alerts commit together. Safe to repeat.
--
-- p_state: {outcome: succeeded|failed|pending|unknown, psp_refund_id, amount (paise), bank_reference, error: {code, message}, raw}.
--   succeeded  final. The payment becomes partially_refunded or refunded (not for a duplicate payment, which never counted).
--   failed     final but for one thing: a success that is told later is believed, as the money has moved.
--   pending, unknown: asked again later.
-- A PSP that names another amount than ours, or takes back a success, is not believed: an alert asks an operator.
-- Errors: LS024 no_such_refund, LS021 not_an_outcome.
-- Locks: transaction, refund, then the wallet.
create or replace function public.settle_refund(p_refund_id uuid, p_state jsonb)
returns table (status text, changed boolean)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_outcome constant text := p_state ->> 'outcome';
  v_refund public.refunds;
  v_transaction public.transactions;
  v_captured bigint;
begin
  select t.* into v_transaction from public.transactions t
    where t.id = (select r.transaction_id from public.refunds r where r.id = p_refund_id) for update;
  if not found then
    raise exception using errcode = 'LS024', message = 'no such refund', detail = p_refund_id::text;
  end if;
  select * into strict v_refund from public.refunds where id = p_refund_id for update;
  if v_outcome not in ('succeeded', 'failed', 'pending', 'unknown') or v_outcome is null then
    raise exception using errcode = 'LS021', message = 'not an outcome', detail = coalesce(v_outcome, 'null');
  end if;

  if v_refund.status = 'succeeded' then
    if v_outcome = 'failed' then
      perform public.raise_alert('refund_taken_back', 'critical',
        'A PSP says that a refund which had succeeded failed after all. Compare with its dashboard; if the payer has nothing, pay by hand.',
        jsonb_build_object('refund_id', p_refund_id, 'transaction_id', v_transaction.id, 'error', p_state -> 'error'),
        'refund_taken_back:' || p_refund_id, v_refund.client_id);
    end if;
    return query select v_refund.status, false;
    return;
  end if;
  if v_outcome = 'succeeded' and p_state ->> 'amount' is not null and (p_state ->> 'amount')::bigint <> v_refund.amount then
    update public.refunds set status = 'unknown', error_code = 'amount_mismatch', next_lookup_at = null, updated_at = now(),
        error_message = format('The PSP states %s paise, asked for were %s.', p_state ->> 'amount', amount)
      where id = p_refund_id and status <> 'failed';
    perform public.raise_alert('refund_amount_mismatch', 'critical',
      'A PSP reports a refund of another amount than was asked for. Compare with its dashboard.',
      jsonb_build_object('refund_id', p_refund_id, 'transaction_id', v_transaction.id, 'asked', v_refund.amount, 'reported', p_state -> 'amount'),
      'refund_amount_mismatch:' || p_refund_id, v_refund.client_id);
    return query select case v_refund.status when 'failed' then 'failed' else 'unknown' end, false;
    return;
  end if;

  if v_outcome in ('pending', 'unknown') then
    if v_refund.status <> 'failed' then
      update public.refunds set
          status = case when v_outcome = 'pending' or status = 'created' then v_outcome else status end,
          psp_refund_id = coalesce(p_state ->> 'psp_refund_id', psp_refund_id), psp_response = coalesce(p_state -> 'raw', psp_response),
          error_code = p_state -> 'error' ->> 'code', error_message = p_state -> 'error' ->> 'message',
          next_lookup_at = case when created_at > now() - interval '15 days' then now() + public.lookup_delay(lookups) end,
          updated_at = now()
        where id = p_refund_id returning * into v_refund;
      if v_refund.next_lookup_at is null then
        perform public.raise_alert('refund_unresolved', 'critical',
          'A refund is not settled after fifteen days. Look it up in the PSP''s dashboard.',
          jsonb_build_object('refund_id', p_refund_id, 'transaction_id', v_transaction.id), 'refund_unresolved:' || p_refund_id, v_refund.client_id);
      end if;
    end if;
    return query select v_refund.status, false;
    return;
  end if;

  if v_outcome = 'failed' then
    if v_refund.status = 'failed' then
      return query select v_refund.status, false;
      return;
    end if;
    update public.refunds set
        status = 'failed', psp_refund_id = coalesce(p_state ->> 'psp_refund_id', psp_refund_id), psp_response = coalesce(p_state -> 'raw', psp_response),
        error_code = coalesce(p_state -> 'error' ->> 'code', 'declined'), error_message = p_state -> 'error' ->> 'message',
        next_lookup_at = null, completed_at = now(), updated_at = now()
      where id = p_refund_id returning * into v_refund;
    perform public.write_refund_event(v_refund);
    perform public.raise_alert('refund_failed', case v_refund.kind when 'duplicate_payment' then 'critical' else 'warning' end,
      case v_refund.kind when 'duplicate_payment'
        then 'The second payment of an order could not be given back by itself. Refund it in the PSP''s dashboard or by bank transfer.'
        else 'A refund failed at the PSP. Ask for it again once the reason is gone, or pay by bank transfer.' end,
      jsonb_build_object('refund_id', p_refund_id, 'transaction_id', v_transaction.id, 'error', p_state -> 'error'),
      'refund_failed:' || p_refund_id, v_refund.client_id);
    return query select 'failed'::text, true;
    return;
  end if;

  select coalesce(payable_amount, v_transaction.amount) into v_captured from public.payment_attempts where id = v_refund.attempt_id;
  if v_refund.kind = 'requested' and v_transaction.amount_refunded + v_refund.amount > v_captured then
    -- Only a success that follows a told failure gets here, when the money was asked for again meanwhile.
    perform public.raise_alert('refunded_twice', 'critical',
      'More was given back than was paid: a refund that the PSP had called failed succeeded after all. Talk to the PSP.',
      jsonb_build_object('refund_id', p_refund_id, 'transaction_id', v_transaction.id), 'refunded_twice:' || p_refund_id, v_refund.client_id);
    return query select v_refund.status, false;
    return;
  end if;
  update public.refunds set
      status = 'succeeded', psp_refund_id = coalesce(p_state ->> 'psp_refund_id', psp_refund_id), psp_response = coalesce(p_state -> 'raw', psp_response),
      bank_reference = coalesce(p_state ->> 'bank_reference', bank_reference),
      error_code = null, error_message = null, next_lookup_at = null, completed_at = now(), updated_at = now(),
      reverses_commission = kind = 'requested' and (select c.reverse_commission_on_refund from public.clients c where c.id = refunds.client_id)
    where id = p_refund_id returning * into v_refund;
  if v_refund.kind = 'requested' then
    update public.transactions set
        amount_refunded = amount_refunded + v_refund.amount,
        status = case when amount_refunded + v_refund.amount = v_captured then 'refunded' else 'partially_refunded' end,
        version = version + 1, updated_at = now()
      where id = v_transaction.id returning * into v_transaction;
    if v_refund.reverses_commission then
      perform public.reverse_commission(v_transaction, v_refund.id, null, v_captured,
        format('refund of %s of %s paise', v_refund.amount, v_captured));
    end if;
  else
    update public.transactions set version = version + 1, updated_at = now() where id = v_transaction.id;
    update public.alerts set status = 'resolved', last_at = now()
      where status <> 'resolved' and dedupe_key = 'second_success:' || v_refund.attempt_id || ':' || v_refund.psp_payment_id;
  end if;
  perform public.write_refund_event(v_refund);
  return query select 'succeeded'::text, true;
end
$$;
revoke all on function public.settle_refund from public;
grant execute on function public.settle_refund to jobs;
