-- Books an entry that is no payment's: what was settled or adjusted by hand. p_amount in paise, positive raises what is due. When the
-- balance falls under the merchant's threshold, payments are taken again from this commit on; when it reaches it, operators are told.
-- Locks: the client's wallet, then its alerts about dues. Errors: LS022 no_such_client.
create or replace function public.book_entry(p_client_id uuid, p_type text, p_amount bigint, p_description text)
returns public.wallet_entries
language plpgsql security definer set search_path = '' as $$
declare
  v_wallet public.wallets;
  v_entry public.wallet_entries;
begin
  update public.wallets set balance_due = balance_due + p_amount, entry_count = entry_count + 1, updated_at = now()
    where client_id = p_client_id
    returning * into v_wallet;
  if not found then
    raise exception using errcode = 'LS022', message = 'no such client', detail = coalesce(p_client_id::text, 'null');
  end if;
  -- clock_timestamp: the wallet may have been waited for, and entries are in the order of their times
  insert into public.wallet_entries (client_id, entry_no, type, amount, balance_after, description, created_at)
    values (p_client_id, v_wallet.entry_count, p_type, p_amount, v_wallet.balance_due, p_description, clock_timestamp())
    returning * into v_entry;
  if p_amount < 0 then
    perform public.resolve_dues_alerts(p_client_id, v_wallet.balance_due);
  else
    perform public.raise_dues_alerts(p_client_id, v_wallet.balance_due - p_amount, v_wallet.balance_due);
  end if;
  return v_entry;
end
$$;
revoke all on function public.book_entry from public;
