-- Takes back the commission and its GST on what was refunded, where the merchant's terms say so, in the caller's transaction.
-- For commission C of a payment that captured P, a refund that brings the refunded sum from R0 to R1 takes back
--   round(C × R1 / P) − round(C × R0 / P), to the paisa, half up; likewise GST
-- so that refunds which add up to the whole take back exactly the whole, in any parts.
-- p_captured in paise; t is the transaction after the refund was counted.
-- Locks: the client's wallet, then its alerts about dues.
create or replace function public.reverse_commission(t public.transactions, r public.refunds, p_captured bigint) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_commission bigint;
  v_gst bigint;
  v_wallet public.wallets;
begin
  if not (select reverse_commission_on_refund from public.clients where id = t.client_id) then
    return;
  end if;
  select
      sum(round(e.amount::numeric * t.amount_refunded / p_captured) - round(e.amount::numeric * (t.amount_refunded - r.amount) / p_captured))
        filter (where e.type = 'COMMISSION'),
      sum(round(e.amount::numeric * t.amount_refunded / p_captured) - round(e.amount::numeric * (t.amount_refunded - r.amount) / p_captured))
        filter (where e.type = 'COMMISSION_GST')
    into v_commission, v_gst
    from public.wallet_entries e where e.transaction_id = t.id and e.type in ('COMMISSION', 'COMMISSION_GST');
  v_commission := coalesce(v_commission, 0);
  v_gst := coalesce(v_gst, 0);
  if v_commission + v_gst = 0 then
    return;
  end if;
  update public.wallets set
      balance_due = balance_due - v_commission - v_gst,
      entry_count = entry_count + (v_commission > 0)::integer + (v_gst > 0)::integer,
      updated_at = now()
    where client_id = t.client_id
    returning * into strict v_wallet;
  if v_commission > 0 then
    insert into public.wallet_entries (client_id, entry_no, type, amount, transaction_id, refund_id, balance_after, description)
      values (t.client_id, v_wallet.entry_count - (v_gst > 0)::integer, 'COMMISSION_REVERSAL', -v_commission, t.id, r.id,
        v_wallet.balance_due + v_gst, format('refund of %s of %s paise', r.amount, p_captured));
  end if;
  if v_gst > 0 then
    insert into public.wallet_entries (client_id, entry_no, type, amount, transaction_id, refund_id, balance_after, description)
      values (t.client_id, v_wallet.entry_count, 'COMMISSION_GST_REVERSAL', -v_gst, t.id, r.id, v_wallet.balance_due,
        format('GST on the commission of a refund of %s of %s paise', r.amount, p_captured));
  end if;
  perform public.resolve_dues_alerts(t.client_id, v_wallet.balance_due);
end
$$;
revoke all on function public.reverse_commission from public;
