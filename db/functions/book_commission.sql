-- Books the commission of a paid transaction and the GST on it, and moves the wallet, in the caller's transaction.
--   commission = amount × fee_percent / 100, to the paisa, half up (fee_percent as kept on the transaction)
--   GST        = commission × rate of the day (Asia/Kolkata) / 100, to the paisa, half up
-- A second booking is impossible: wallet_entries_type_transaction_id_key. Nothing is booked for a commission of 0.
-- The entries are chained by their hashes, as append_entry does it.
-- Locks: the client's wallet.
create or replace function public.book_commission(t public.transactions) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_gst_percent constant numeric := (select percent from public.gst_rates
    where valid_from <= (t.paid_at at time zone 'Asia/Kolkata')::date order by valid_from desc limit 1);
  v_fee constant bigint := round(t.amount * t.fee_percent / 100);
  v_gst constant bigint := round(v_fee * v_gst_percent / 100);
  v_entries constant integer := case when v_gst > 0 then 2 else 1 end;
  v_fee_id constant uuid := uuidv7();
  v_gst_id constant uuid := uuidv7();
  v_fee_text constant text := format('%s %% of %s paise', trim_scale(t.fee_percent), t.amount);
  v_gst_text constant text := format('%s %% GST on %s paise', trim_scale(v_gst_percent), v_fee);
  v_wallet record;
  v_threshold bigint;
begin
  if v_fee = 0 then
    return;
  end if;
  -- One statement, so that payments of a merchant wait for each other no longer than they must: the new head of the chain is computed
  -- from the row as it is once its lock is there.
  update public.wallets set
      balance_due = balance_due + v_fee + v_gst,
      entry_count = entry_count + v_entries,
      head_hash = case v_entries
        when 1 then public.entry_hash(head_hash, t.client_id, entry_count + 1, v_fee_id, 'COMMISSION', v_fee, balance_due + v_fee,
          t.id, null, null, now(), v_fee_text)
        else public.entry_hash(
          public.entry_hash(head_hash, t.client_id, entry_count + 1, v_fee_id, 'COMMISSION', v_fee, balance_due + v_fee,
            t.id, null, null, now(), v_fee_text),
          t.client_id, entry_count + 2, v_gst_id, 'COMMISSION_GST', v_gst, balance_due + v_fee + v_gst, t.id, null, null, now(), v_gst_text)
        end,
      updated_at = now()
    where client_id = t.client_id
    returning old.balance_due as balance_before, new.balance_due, new.entry_count, old.head_hash as hash_before, new.head_hash,
      new.warn_threshold
    into strict v_wallet;
  if v_entries = 1 then
    insert into public.wallet_entries (id, client_id, entry_no, type, amount, transaction_id, balance_after, description, hash)
      values (v_fee_id, t.client_id, v_wallet.entry_count, 'COMMISSION', v_fee, t.id, v_wallet.balance_due, v_fee_text, v_wallet.head_hash);
  else
    insert into public.wallet_entries (id, client_id, entry_no, type, amount, transaction_id, balance_after, description, hash)
      values
        (v_fee_id, t.client_id, v_wallet.entry_count - 1, 'COMMISSION', v_fee, t.id, v_wallet.balance_due - v_gst, v_fee_text,
          public.entry_hash(v_wallet.hash_before, t.client_id, v_wallet.entry_count - 1, v_fee_id, 'COMMISSION', v_fee,
            v_wallet.balance_due - v_gst, t.id, null, null, now(), v_fee_text)),
        (v_gst_id, t.client_id, v_wallet.entry_count, 'COMMISSION_GST', v_gst, t.id, v_wallet.balance_due, v_gst_text, v_wallet.head_hash);
  end if;

  -- looked at here, so that payments which reach neither do not pay for the call
  select suspend_threshold into v_threshold from public.clients where id = t.client_id;
  if (v_wallet.balance_due >= v_wallet.warn_threshold and v_wallet.balance_before < v_wallet.warn_threshold)
      or (v_wallet.balance_due >= v_threshold and v_wallet.balance_before < v_threshold) then
    perform public.raise_dues_alerts(t.client_id, v_wallet.balance_before, v_wallet.balance_due);
  end if;
end
$$;
revoke all on function public.book_commission from public;
