-- Records what a PSP comes to say became of the part of a payment that it was to settle to us (payment_splits). The split, its entry in
-- the wallet and the alert commit together. Safe to repeat; a message that is older than what is known changes nothing.
--
-- p_state: {outcome: succeeded|failed, psp_transfer_id, account, amount, amount_reversed (paise), currency, occurred_at,
-- error: {code, psp_code, message}}, as an adapter returns it.
--   failed     nothing of it came: what was booked as ours is due again (COMMISSION_SPLIT_REVERSAL), and operators are told.
--   succeeded  it came, less what of it was taken back. After a failure, as PSPs try again: it is booked as ours again (COMMISSION_SPLIT).
-- Of one moment a success counts: a PSP that says both has tried again. In all, never more is due again than was split off.
-- Before the payment is booked it is only kept; book_commissions books by it.
-- Returns whether that changed anything; null where it is not the part that was asked for: another account or amount, another transfer, or
-- nothing was asked for.
-- Errors: LS021 not_an_outcome. Locks: the split, then the wallet, alerts.
create or replace function public.record_split_transfer(p_attempt_id uuid, p_state jsonb) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  v_outcome constant text := p_state ->> 'outcome';
  v_psp_transfer_id constant text := p_state ->> 'psp_transfer_id';
  v_occurred_at constant timestamptz := coalesce((p_state ->> 'occurred_at')::timestamptz, now());
  v_split public.payment_splits;
  v_returned bigint;
  v_entry public.wallet_entries;
  v_gateway_id uuid;
begin
  if v_outcome not in ('succeeded', 'failed') or v_outcome is null or v_psp_transfer_id is null then
    raise exception using errcode = 'LS021', message = 'not an outcome', detail = coalesce(v_outcome, 'null');
  end if;
  select * into v_split from public.payment_splits where attempt_id = p_attempt_id for update;
  if not found or v_split.status = 'refused'
      or (v_split.account, v_split.amount, 'INR') is distinct from (p_state ->> 'account', (p_state ->> 'amount')::bigint, p_state ->> 'currency')
      or v_split.psp_transfer_id <> v_psp_transfer_id then
    return null;
  end if;
  if v_occurred_at < v_split.psp_updated_at
      or (v_occurred_at = v_split.psp_updated_at and v_outcome = 'failed' and v_split.returned_amount < v_split.amount) then
    return false;
  end if;
  v_returned := case v_outcome when 'failed' then v_split.amount
    else least(greatest(coalesce((p_state ->> 'amount_reversed')::bigint, 0), 0), v_split.amount) end;
  update public.payment_splits set psp_transfer_id = v_psp_transfer_id, psp_updated_at = v_occurred_at, returned_amount = v_returned
    where attempt_id = p_attempt_id;
  if v_returned = v_split.returned_amount then
    return false;
  end if;

  select transaction_id, gateway_id into strict v_entry.transaction_id, v_gateway_id from public.payment_attempts where id = p_attempt_id;
  if v_split.status = 'collected' then
    v_entry.client_id := v_split.client_id;
    v_entry.amount := v_returned - v_split.returned_amount;
    if v_entry.amount > 0 then
      v_entry.type := 'COMMISSION_SPLIT_REVERSAL';
      v_entry.description := concat_ws(' ', v_psp_transfer_id, case v_outcome when 'failed' then 'to ' || v_split.account || ' failed'
        else 'taken back from ' || v_split.account end);
    else
      v_entry.type := 'COMMISSION_SPLIT';
      v_entry.description := format('%s settled to %s after all', v_psp_transfer_id, v_split.account);
    end if;
    v_entry := public.append_entry(v_entry);
    if v_entry.amount > 0 then
      perform public.raise_dues_alerts(v_split.client_id, v_entry.balance_after - v_entry.amount, v_entry.balance_after);
    else
      perform public.resolve_dues_alerts(v_split.client_id, v_entry.balance_after);
    end if;
  end if;
  if v_returned > v_split.returned_amount then
    perform public.raise_alert('split_failed', 'warning',
      'A PSP could not settle our part of a payment to us, or it was taken back: the commission is due from the merchant again and is collected like any other. Look up why at the PSP.',
      jsonb_build_object('gateway_id', v_gateway_id, 'attempt_id', p_attempt_id, 'transaction_id', v_entry.transaction_id,
        'psp_transfer_id', v_psp_transfer_id, 'account', v_split.account, 'amount', v_split.amount, 'returned', v_returned,
        'error', p_state -> 'error'),
      'split_failed:' || v_gateway_id, v_split.client_id);
  end if;
  return true;
end
$$;
revoke all on function public.record_split_transfer from public;
grant execute on function public.record_split_transfer to jobs;
