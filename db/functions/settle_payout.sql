-- Records what a PSP says became of a payout. Its status, the wallet's entry and alerts commit together. Safe to repeat.
--
-- p_state: {outcome: processing|processed|failed|reversed|unknown, psp_payout_id, psp_status, amount (paise), bank_reference,
-- error: {code, message}}.
--   processed   the money is ours: a COMMISSION_PAYOUT entry takes it off the balance, and a merchant that falls under its threshold pays
--               again from this commit on. Believed after a told failure as well, as the money has moved.
--   reversed    the bank gave it back: the entry is countered, if there is one.
--   failed      no money moved: nothing is booked. The next night tries again, with a payout of its own.
--   processing, unknown: asked again later, for fifteen days; never taken for a failure.
-- What was processed is looked at once a day for a week more, as banks give money back days later. A PSP that names another amount than ours
-- is not believed: an alert asks an operator. Returns the status, and whether it changed.
-- Errors: LS273 no_such_payout, LS021 not_an_outcome. Locks: payout, wallet, alerts.
create or replace function public.settle_payout(p_payout_id uuid, p_state jsonb) returns table (status text, changed boolean)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_outcome constant text := p_state ->> 'outcome';
  v_payout public.payouts;
  v_before text;
  v_entry public.wallet_entries;
  v_details jsonb;
begin
  select * into v_payout from public.payouts where id = p_payout_id for update;
  if not found then
    raise exception using errcode = 'LS273', message = 'no such payout', detail = coalesce(p_payout_id::text, 'null');
  end if;
  if v_outcome not in ('processing', 'processed', 'failed', 'reversed', 'unknown') or v_outcome is null then
    raise exception using errcode = 'LS021', message = 'not an outcome', detail = coalesce(v_outcome, 'null');
  end if;
  v_before := v_payout.status;
  v_details := jsonb_build_object('payout_id', p_payout_id, 'amount', v_payout.amount, 'provider', v_payout.provider,
    'psp_payout_id', coalesce(p_state ->> 'psp_payout_id', v_payout.psp_payout_id), 'error', p_state -> 'error');

  if v_outcome in ('processed', 'reversed') and p_state ->> 'amount' is not null and (p_state ->> 'amount')::bigint <> v_payout.amount then
    update public.payouts set error_code = 'amount_mismatch', updated_at = now(), next_lookup_at = null,
        error_message = format('The PSP states %s paise, asked for were %s.', p_state ->> 'amount', amount)
      where id = p_payout_id;
    perform public.raise_alert('payout_amount_mismatch', 'critical',
      'A PSP reports a payout of another amount than was asked for. It was not booked: compare with the PSP''s dashboard, and settle by hand.',
      v_details || jsonb_build_object('reported', p_state -> 'amount'), 'payout_amount_mismatch:' || p_payout_id, v_payout.client_id);
    return query select v_before, false;
    return;
  end if;

  update public.payouts set
      psp_payout_id = coalesce(psp_payout_id, p_state ->> 'psp_payout_id'), psp_status = coalesce(p_state ->> 'psp_status', psp_status),
      bank_reference = coalesce(p_state ->> 'bank_reference', bank_reference), updated_at = now(), lookups = lookups + 1
    where id = p_payout_id returning * into v_payout;

  if v_outcome in ('processing', 'unknown') then
    if v_before in ('queued', 'processing') then
      update public.payouts set status = 'processing', error_code = p_state -> 'error' ->> 'code', error_message = p_state -> 'error' ->> 'message',
          next_lookup_at = case when created_at > now() - interval '15 days' then now() + public.lookup_delay(lookups - 1) end
        where id = p_payout_id returning * into v_payout;
      if v_payout.next_lookup_at is null then
        perform public.raise_alert('payout_unresolved', 'critical',
          'A collection is not settled after fifteen days, and holds up the next. Look it up in the PSP''s dashboard.',
          v_details, 'payout_unresolved:' || p_payout_id, v_payout.client_id);
      elsif p_state -> 'error' ->> 'code' = 'authentication_failed' then
        perform public.raise_alert('collection_failed', 'critical',
          'A PSP refuses the credentials of a merchant''s collection account, so what became of a collection cannot be asked.',
          v_details, 'collection_failed:' || v_payout.client_id, v_payout.client_id);
      end if;
    elsif v_payout.processed_at < now() - interval '7 days' then
      update public.payouts set next_lookup_at = null where id = p_payout_id;
    end if;
    return query select v_payout.status, v_payout.status <> v_before;
    return;
  end if;

  if v_outcome = 'failed' then
    if v_before in ('queued', 'processing') then
      update public.payouts set status = 'failed', next_lookup_at = null,
          error_code = coalesce(p_state -> 'error' ->> 'code', 'declined'), error_message = p_state -> 'error' ->> 'message'
        where id = p_payout_id;
      if p_state -> 'error' ->> 'code' is distinct from 'no_longer_due' then
        perform public.raise_alert('collection_failed', 'warning',
          'What a merchant owes could not be collected: no money moved, nothing was booked. The next night tries again; see the reason under Commission.',
          v_details, 'collection_failed:' || v_payout.client_id, v_payout.client_id);
      end if;
      return query select 'failed'::text, true;
      return;
    end if;
    if v_before = 'processed' then
      perform public.raise_alert('payout_taken_back', 'critical',
        'A PSP says that a collection which had come through failed after all. Compare with its dashboard and our bank account; if nothing came, adjust the balance.',
        v_details, 'payout_taken_back:' || p_payout_id, v_payout.client_id);
    end if;
    return query select v_before, false;
    return;
  end if;

  if v_outcome = 'processed' then
    if v_before in ('queued', 'processing', 'failed') then
      v_entry := public.book_entry(v_payout.client_id, 'COMMISSION_PAYOUT', -v_payout.amount,
        concat_ws(' ', 'payout', v_payout.provider, v_payout.psp_payout_id, 'UTR ' || v_payout.bank_reference));
      update public.payouts set status = 'processed', processed_at = now(), entry_id = v_entry.id, error_code = null, error_message = null,
          next_lookup_at = now() + interval '1 day'
        where id = p_payout_id;
      update public.alerts a set status = 'resolved', last_at = now()
        where a.status <> 'resolved' and a.dedupe_key in ('collection_failed:' || v_payout.client_id, 'payout_unresolved:' || p_payout_id);
      return query select 'processed'::text, true;
    else
      update public.payouts set next_lookup_at = case when v_before = 'processed' and processed_at > now() - interval '7 days' then now() + interval '1 day' end
        where id = p_payout_id;
      return query select v_before, false;
    end if;
    return;
  end if;

  -- reversed
  if v_before not in ('queued', 'processing', 'processed') then
    return query select v_before, false;
    return;
  end if;
  if v_before = 'processed' then
    v_entry := public.book_entry(v_payout.client_id, 'COMMISSION_PAYOUT', v_payout.amount,
      concat_ws(' ', 'reversed payout', v_payout.provider, v_payout.psp_payout_id));
  end if;
  update public.payouts set status = 'reversed', reversed_at = now(), reversal_entry_id = v_entry.id, next_lookup_at = null,
      error_code = coalesce(p_state -> 'error' ->> 'code', 'reversed'), error_message = p_state -> 'error' ->> 'message'
    where id = p_payout_id;
  perform public.raise_alert('collection_failed', 'warning',
    'A collection came back from the bank: it is due again, and the next night tries again. See the reason under Commission.',
    v_details, 'collection_failed:' || v_payout.client_id, v_payout.client_id);
  return query select 'reversed'::text, true;
end
$$;
revoke all on function public.settle_payout from public;
grant execute on function public.settle_payout to jobs;
