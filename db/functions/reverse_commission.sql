-- Takes back commission and its GST on what a refund or a lost dispute returned to the payer, in the caller's transaction.
-- Of a commission C booked for a payment that captured P, what is taken back in all is always
--   round(C × min(B, P) / P), to the paisa, half up; likewise of the GST
-- where B is the sum of the refunds that succeeded and the disputes that were lost while the merchant's terms gave commission back
-- (reverses_commission). This takes back what is missing to that, so that no order of parts drifts by a paisa, and money that went back
-- twice, as a refund and in a dispute, takes back no more than the whole.
--
-- Called once the refund or dispute is counted, with either p_refund_id or p_dispute_id. p_captured in paise. p_description is of the
-- entries. A lost dispute has its entry also when nothing is taken back.
-- Locks: the client's wallet, then its alerts about dues.
create or replace function public.reverse_commission(
  t public.transactions, p_refund_id uuid, p_dispute_id uuid, p_captured bigint, p_description text
) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_returned bigint;
  v_commission bigint;
  v_gst bigint;
  v_entry public.wallet_entries;
begin
  select least(p_captured,
      (select coalesce(sum(amount), 0) from public.refunds where transaction_id = t.id and reverses_commission)
      + (select coalesce(sum(amount), 0) from public.disputes where transaction_id = t.id and reverses_commission))
    into v_returned;
  select
      coalesce(round(sum(amount) filter (where type = 'COMMISSION') * v_returned / p_captured), 0)
        + coalesce(sum(amount) filter (where type in ('COMMISSION_REVERSAL', 'DISPUTE_LOST')), 0),
      coalesce(round(sum(amount) filter (where type = 'COMMISSION_GST') * v_returned / p_captured), 0)
        + coalesce(sum(amount) filter (where type in ('COMMISSION_GST_REVERSAL', 'DISPUTE_LOST_GST')), 0)
    into v_commission, v_gst
    from public.wallet_entries where transaction_id = t.id;
  v_entry.client_id := t.client_id;
  v_entry.transaction_id := t.id;
  v_entry.refund_id := p_refund_id;
  v_entry.dispute_id := p_dispute_id;
  if v_commission > 0 or p_dispute_id is not null then
    v_entry.type := case when p_dispute_id is null then 'COMMISSION_REVERSAL' else 'DISPUTE_LOST' end;
    v_entry.amount := -greatest(v_commission, 0);
    v_entry.description := p_description;
    perform public.append_entry(v_entry);
  end if;
  if v_gst > 0 then
    v_entry.type := case when p_dispute_id is null then 'COMMISSION_GST_REVERSAL' else 'DISPUTE_LOST_GST' end;
    v_entry.amount := -v_gst;
    v_entry.description := 'GST on the commission of a ' || p_description;
    perform public.append_entry(v_entry);
  end if;
  if v_commission > 0 or v_gst > 0 then
    perform public.resolve_dues_alerts(t.client_id, (select balance_due from public.wallets where client_id = t.client_id));
  end if;
end
$$;
revoke all on function public.reverse_commission from public;
