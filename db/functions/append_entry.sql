-- Appends an entry to a merchant's wallet, in the caller's transaction: the next number, the balance after it and the hash that chains it.
-- e: client_id, type, amount (paise, positive raises what is due), and what it belongs to; the rest is filled in here. book_commission
-- does the same for its two entries in one statement.
-- Locks: the client's wallet. Errors: LS022 no_such_client.
create or replace function public.append_entry(e public.wallet_entries) returns public.wallet_entries
language plpgsql security definer set search_path = '' as $$
declare
  v_wallet public.wallets;
  v_entry public.wallet_entries := e;
begin
  select * into v_wallet from public.wallets where client_id = e.client_id for update;
  if not found then
    raise exception using errcode = 'LS022', message = 'no such client', detail = coalesce(e.client_id::text, 'null');
  end if;
  v_entry.id := uuidv7();
  v_entry.entry_no := v_wallet.entry_count + 1;
  v_entry.balance_after := v_wallet.balance_due + e.amount;
  -- the wallet may have been waited for, and entries are in the order of their times
  v_entry.created_at := clock_timestamp();
  v_entry.hash := public.entry_hash(v_wallet.head_hash, v_entry.client_id, v_entry.entry_no, v_entry.id, v_entry.type, v_entry.amount,
    v_entry.balance_after, v_entry.transaction_id, v_entry.refund_id, v_entry.dispute_id, v_entry.created_at, v_entry.description);
  update public.wallets set balance_due = v_entry.balance_after, entry_count = v_entry.entry_no, head_hash = v_entry.hash, updated_at = now()
    where client_id = e.client_id;
  insert into public.wallet_entries values (v_entry.*);
  return v_entry;
end
$$;
revoke all on function public.append_entry from public;
