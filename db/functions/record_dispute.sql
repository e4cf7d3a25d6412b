-- Records what a PSP says of a dispute about a payment. The dispute, its entries in the wallet, the merchant's event and the alerts
-- commit together. Safe to repeat; a message that is older than what is known changes nothing.
--
-- p_state: {psp_dispute_id, psp_payment_id, status: opened|won|lost|closed, amount (paise), currency, phase, psp_status, reason_code,
-- reason, respond_by, opened_at, occurred_at, amount_deducted, raw}, as an adapter returns it.
--   opened  operators are told until when to answer. A dispute that was won or closed may be opened again in another phase.
--   won, closed (ended without a decision about money)  nothing is taken; it may still be lost in a later phase.
--   lost    commission is taken back as for a refund of that amount. Final: a later word otherwise asks an operator.
-- Another amount or currency than the payment can have is not believed: an alert asks an operator. So is a dispute about a payment that
-- is not paid here, which may only be early: no row is returned.
-- Errors: LS020 no_such_attempt, LS021 not_an_outcome.
-- Locks: transaction, dispute, then the wallet, alerts.
create or replace function public.record_dispute(p_attempt_id uuid, p_state jsonb)
returns table (dispute_id uuid, status text, changed boolean)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_status constant text := p_state ->> 'status';
  v_psp_dispute_id constant text := p_state ->> 'psp_dispute_id';
  v_amount constant bigint := (p_state ->> 'amount')::bigint;
  v_occurred_at constant timestamptz := coalesce((p_state ->> 'occurred_at')::timestamptz, now());
  v_transaction public.transactions;
  v_attempt public.payment_attempts;
  v_before public.disputes;
  v_dispute public.disputes;
  v_captured bigint;
  v_entry public.wallet_entries;
begin
  if v_status not in ('opened', 'won', 'lost', 'closed') or v_status is null or v_psp_dispute_id is null then
    raise exception using errcode = 'LS021', message = 'not an outcome', detail = coalesce(v_status, 'null');
  end if;
  select t.* into v_transaction from public.transactions t
    where t.id = (select a.transaction_id from public.payment_attempts a where a.id = p_attempt_id) for update;
  if not found then
    raise exception using errcode = 'LS020', message = 'no such attempt', detail = p_attempt_id::text;
  end if;
  select * into strict v_attempt from public.payment_attempts where id = p_attempt_id;
  if v_attempt.status <> 'succeeded' then
    return;
  end if;
  select * into v_before from public.disputes where gateway_id = v_attempt.gateway_id and psp_dispute_id = v_psp_dispute_id for update;

  v_captured := coalesce(v_attempt.payable_amount, v_transaction.amount);
  if v_amount is null or v_amount not between 1 and v_captured or p_state ->> 'currency' is distinct from v_transaction.currency
      or v_before.transaction_id <> v_transaction.id or (v_before.status = 'lost' and v_status = 'lost' and v_before.amount <> v_amount) then
    perform public.raise_alert('dispute_mismatch', 'critical',
      'A PSP reports a dispute whose amount, currency or payment cannot be right. It was not booked: compare with the PSP''s dashboard.',
      jsonb_build_object('transaction_id', v_transaction.id, 'attempt_id', p_attempt_id, 'gateway_id', v_attempt.gateway_id,
        'psp_dispute_id', v_psp_dispute_id, 'captured', v_captured, 'reported', p_state -> 'amount', 'currency', p_state -> 'currency',
        'status', v_status, 'respond_by', p_state -> 'respond_by'),
      'dispute_mismatch:' || v_attempt.gateway_id || ':' || v_psp_dispute_id, v_transaction.client_id);
    return query select v_before.id, coalesce(v_before.status, 'refused'), false;
    return;
  end if;

  if v_before.id is null then
    insert into public.disputes (client_id, transaction_id, attempt_id, gateway_id, psp_dispute_id, psp_payment_id, amount, currency,
        reason_code, reason, phase, status, psp_status, respond_by, amount_deducted, opened_at, closed_at, psp_updated_at, psp_response)
      values (v_transaction.client_id, v_transaction.id, p_attempt_id, v_attempt.gateway_id, v_psp_dispute_id,
        coalesce(p_state ->> 'psp_payment_id', v_attempt.psp_payment_id, ''), v_amount, v_transaction.currency,
        p_state ->> 'reason_code', p_state ->> 'reason', p_state ->> 'phase', v_status, p_state ->> 'psp_status',
        (p_state ->> 'respond_by')::timestamptz, (p_state ->> 'amount_deducted')::bigint,
        coalesce((p_state ->> 'opened_at')::timestamptz, v_occurred_at), case when v_status <> 'opened' then v_occurred_at end,
        v_occurred_at, p_state -> 'raw')
      returning * into v_dispute;
  else
    if v_before.status = 'lost' then
      if v_status in ('won', 'closed') and v_occurred_at > v_before.psp_updated_at then
        perform public.raise_alert('dispute_outcome_changed', 'critical',
          'A PSP says that a dispute which was lost ended otherwise. Commission was given back for it: compare with the PSP''s dashboard, and adjust the wallet by hand.',
          jsonb_build_object('dispute_id', v_before.id, 'transaction_id', v_transaction.id, 'status', v_status),
          'dispute_outcome_changed:' || v_before.id, v_before.client_id);
      end if;
      return query select v_before.id, v_before.status, false;
      return;
    end if;
    if v_occurred_at < v_before.psp_updated_at
        or (v_status = 'opened' and v_before.status <> 'opened'
          and (v_occurred_at = v_before.psp_updated_at or p_state ->> 'phase' is not distinct from v_before.phase)) then
      return query select v_before.id, v_before.status, false;
      return;
    end if;
    update public.disputes set
        status = v_status, amount = v_amount, phase = coalesce(p_state ->> 'phase', phase), psp_status = p_state ->> 'psp_status',
        reason_code = coalesce(p_state ->> 'reason_code', reason_code), reason = coalesce(p_state ->> 'reason', reason),
        respond_by = coalesce((p_state ->> 'respond_by')::timestamptz, respond_by),
        amount_deducted = coalesce((p_state ->> 'amount_deducted')::bigint, amount_deducted),
        closed_at = case when v_status = 'opened' then null when v_status = status then closed_at else v_occurred_at end,
        psp_updated_at = v_occurred_at, psp_response = coalesce(p_state -> 'raw', psp_response), updated_at = now()
      where id = v_before.id returning * into v_dispute;
  end if;

  v_entry.client_id := v_dispute.client_id;
  v_entry.transaction_id := v_dispute.transaction_id;
  v_entry.dispute_id := v_dispute.id;
  v_entry.amount := 0;
  if v_before.id is null then
    v_entry.type := 'DISPUTE_OPENED';
    v_entry.description := format('dispute of %s of %s paise', v_amount, v_captured);
    perform public.append_entry(v_entry);
  end if;

  if v_dispute.status = 'opened' then
    if v_before.id is null or v_before.status <> 'opened'
        or (v_dispute.phase, v_dispute.respond_by, v_dispute.amount) is distinct from (v_before.phase, v_before.respond_by, v_before.amount) then
      -- what it says has changed, so that it is sent again
      update public.alerts set status = 'resolved', resolved_at = now(), last_at = now()
        where status <> 'resolved' and dedupe_key = 'dispute_opened:' || v_dispute.id;
      perform public.raise_alert('dispute_opened', 'critical',
        format('A payer disputes %s of a payment of %s. Answer with evidence in the PSP''s dashboard%s.', public.rupees_text(v_dispute.amount),
          public.rupees_text(v_captured), coalesce(to_char(v_dispute.respond_by at time zone 'Asia/Kolkata', '" by "DD Mon YYYY HH24:MI" IST"'), '')),
        jsonb_build_object('dispute_id', v_dispute.id, 'transaction_id', v_dispute.transaction_id, 'gateway_id', v_dispute.gateway_id,
          'psp_dispute_id', v_dispute.psp_dispute_id, 'amount', v_dispute.amount, 'phase', v_dispute.phase,
          'reason_code', v_dispute.reason_code, 'respond_by', public.iso_time(v_dispute.respond_by)),
        'dispute_opened:' || v_dispute.id, v_dispute.client_id);
    end if;
  else
    update public.alerts set status = 'resolved', resolved_at = now(), last_at = now()
      where status <> 'resolved' and dedupe_key = 'dispute_opened:' || v_dispute.id;
  end if;

  if v_dispute.status is not distinct from v_before.status then
    return query select v_dispute.id, v_dispute.status, false;
    return;
  end if;
  if v_dispute.status = 'lost' then
    update public.disputes set reverses_commission = (
        -- a second payment of the order had no commission
        v_attempt.gateway_id = v_transaction.gateway_id and coalesce(v_transaction.gateway_txn_id, psp_payment_id) = psp_payment_id
          and (select c.reverse_commission_on_refund from public.clients c where c.id = v_transaction.client_id))
      where id = v_dispute.id returning * into v_dispute;
    perform public.reverse_commission(v_transaction, null, v_dispute.id, v_captured,
      format('lost dispute of %s of %s paise', v_dispute.amount, v_captured));
    if v_transaction.amount_refunded + v_dispute.amount > v_captured then
      perform public.raise_alert('disputed_and_refunded', 'warning',
        'A payer got money back twice: by a refund and by a dispute that was lost. The proof of the refund may win it back.',
        jsonb_build_object('dispute_id', v_dispute.id, 'transaction_id', v_transaction.id, 'refunded', v_transaction.amount_refunded,
          'disputed', v_dispute.amount, 'captured', v_captured),
        'disputed_and_refunded:' || v_dispute.id, v_dispute.client_id);
    end if;
  elsif v_dispute.status in ('won', 'closed') then
    v_entry.type := case v_dispute.status when 'won' then 'DISPUTE_WON' else 'DISPUTE_CLOSED' end;
    if not exists (select from public.wallet_entries e where e.dispute_id = v_dispute.id and e.type = v_entry.type) then
      v_entry.description := format('dispute of %s paise %s', v_amount, case v_dispute.status when 'won' then 'won' else 'closed without money' end);
      perform public.append_entry(v_entry);
    end if;
  end if;
  update public.transactions set version = version + 1, updated_at = now() where id = v_transaction.id;
  perform public.write_dispute_event(v_dispute);
  return query select v_dispute.id, v_dispute.status, true;
end
$$;
revoke all on function public.record_dispute from public;
grant execute on function public.record_dispute to jobs;
