-- Books the commission of a paid transaction and the GST on it, and moves the wallet, in the caller's transaction.
--   commission = amount × fee_percent / 100, to the paisa, half up (fee_percent as kept on the transaction)
--   GST        = commission × rate of the day (Asia/Kolkata) / 100, to the paisa, half up
-- A second booking is impossible: wallet_entries_type_transaction_id_key. Nothing is booked for a commission of 0.
-- Locks: the client's wallet.
create or replace function public.book_commission(t public.transactions) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_gst_percent constant numeric := (select percent from public.gst_rates
    where valid_from <= (t.paid_at at time zone 'Asia/Kolkata')::date order by valid_from desc limit 1);
  v_fee constant bigint := round(t.amount * t.fee_percent / 100);
  v_gst constant bigint := round(v_fee * v_gst_percent / 100);
  v_wallet public.wallets;
  v_before bigint;
  v_threshold bigint;
begin
  if v_fee = 0 then
    return;
  end if;
  update public.wallets set
      balance_due = balance_due + v_fee + v_gst,
      entry_count = entry_count + case when v_gst > 0 then 2 else 1 end,
      updated_at = now()
    where client_id = t.client_id
    returning * into strict v_wallet;
  v_before := v_wallet.balance_due - v_fee - v_gst;
  insert into public.wallet_entries (client_id, entry_no, type, amount, transaction_id, balance_after, description)
    values (t.client_id, v_wallet.entry_count - case when v_gst > 0 then 1 else 0 end, 'COMMISSION', v_fee, t.id,
      v_wallet.balance_due - v_gst, format('%s %% of %s paise', trim_scale(t.fee_percent), t.amount));
  if v_gst > 0 then
    insert into public.wallet_entries (client_id, entry_no, type, amount, transaction_id, balance_after, description)
      values (t.client_id, v_wallet.entry_count, 'COMMISSION_GST', v_gst, t.id, v_wallet.balance_due,
        format('%s %% GST on %s paise', trim_scale(v_gst_percent), v_fee));
  end if;

  -- looked at here, so that payments which reach neither do not pay for the call
  select suspend_threshold into v_threshold from public.clients where id = t.client_id;
  if (v_wallet.balance_due >= v_wallet.warn_threshold and v_before < v_wallet.warn_threshold)
      or (v_wallet.balance_due >= v_threshold and v_before < v_threshold) then
    perform public.raise_dues_alerts(t.client_id, v_before, v_wallet.balance_due);
  end if;
end
$$;
revoke all on function public.book_commission from public;
