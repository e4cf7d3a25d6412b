-- Books an entry that is no payment's: what was settled or adjusted by hand. p_amount in paise, positive raises what is due. When the
-- balance falls under the merchant's threshold, payments are taken again from this commit on; when it reaches it, operators are told.
-- Locks: the client's wallet, then its alerts about dues. Errors: LS022 no_such_client.
create or replace function public.book_entry(p_client_id uuid, p_type text, p_amount bigint, p_description text)
returns public.wallet_entries
language plpgsql security definer set search_path = '' as $$
declare
  v_entry public.wallet_entries;
begin
  v_entry.client_id := p_client_id;
  v_entry.type := p_type;
  v_entry.amount := p_amount;
  v_entry.description := p_description;
  v_entry := public.append_entry(v_entry);
  if p_amount < 0 then
    perform public.resolve_dues_alerts(p_client_id, v_entry.balance_after);
  else
    perform public.raise_dues_alerts(p_client_id, v_entry.balance_after - p_amount, v_entry.balance_after);
  end if;
  return v_entry;
end
$$;
revoke all on function public.book_entry from public;
