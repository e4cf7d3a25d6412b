-- Books what a merchant has paid us outside of the system, once a reference: the same reference again with the same amount answers
-- with the settlement that exists. p_amount in paise. The merchant's payments are taken again the moment its balance falls under
-- the threshold. More than is due is an advance.
-- Locks: the client's wallet. Errors: LS022 no_such_client, LS082 reference_conflict, LS089 invalid_ledger_amount,
-- LS090 invalid_settlement.
create or replace function public.record_manual_settlement(
  p_client_id uuid, p_amount bigint, p_reference text, p_method text, p_received_on date, p_note text, p_actor text
) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_reference constant text := upper(regexp_replace(trim(p_reference), '\s+', ' ', 'g'));
  v_settlement public.manual_settlements;
  v_entry public.wallet_entries;
  v_today constant date := (now() at time zone 'Asia/Kolkata')::date;
  v_replayed boolean;
begin
  if p_amount is null or p_amount not between 1 and 999999999999999 then
    raise exception using errcode = 'LS089', message = 'not an amount', hint = 'Enter an amount above zero.';
  end if;
  if v_reference is null or v_reference !~ '^[A-Z0-9][A-Z0-9 /._-]{2,63}$' then
    raise exception using errcode = 'LS090', message = 'not a reference',
      hint = 'Enter the UTR or cheque number: 3 to 64 letters, digits, spaces, dots, slashes and hyphens.';
  end if;
  if p_method is null or p_method not in ('bank_transfer', 'upi', 'cheque', 'cash', 'other') then
    raise exception using errcode = 'LS090', message = 'not a way to pay', hint = 'Choose how it was paid.';
  end if;
  if p_received_on is null or p_received_on > v_today or p_received_on < v_today - 366 then
    raise exception using errcode = 'LS090', message = 'not the day it came in', hint = 'Enter a day of the last year, not one to come.';
  end if;
  perform from public.wallets where client_id = p_client_id for update;
  select * into v_settlement from public.manual_settlements where client_id = p_client_id and reference = v_reference;
  v_replayed := found;
  if v_replayed then
    if v_settlement.amount <> p_amount then
      raise exception using errcode = 'LS082', message = 'this reference is recorded with another amount', detail = v_settlement.amount::text,
        hint = 'Check the reference; a correction is an adjustment.';
    end if;
  else
    v_entry := public.book_entry(p_client_id, 'MANUAL_SETTLEMENT', -p_amount, format('%s %s', replace(p_method, '_', ' '), v_reference));
    insert into public.manual_settlements (client_id, amount, reference, method, received_on, note, recorded_by, entry_id)
      values (p_client_id, p_amount, v_reference, p_method, p_received_on, nullif(trim(p_note), ''),
        coalesce(nullif(p_actor, ''), session_user), v_entry.id)
      returning * into v_settlement;
    perform public.record_audit(p_actor, 'record_manual_settlement', 'wallets', p_client_id::text,
      to_jsonb(v_settlement) || jsonb_build_object('balance_after', v_entry.balance_after));
  end if;
  return jsonb_build_object('id', v_settlement.id, 'amount', v_settlement.amount, 'reference', v_settlement.reference,
    'replayed', v_replayed,
    'balance_due', (select balance_due from public.wallets where client_id = p_client_id));
end
$$;
revoke all on function public.record_manual_settlement from public;
grant execute on function public.record_manual_settlement to studio;
