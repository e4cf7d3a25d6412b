-- Appends one entry to a merchant's wallet, as append_entries does; returns it as it was written.
-- Locks: the client's wallet. Errors: LS022 no_such_client.
create or replace function public.append_entry(e public.wallet_entries) returns public.wallet_entries
language sql security definer set search_path = '' as $$
  select (public.append_entries(array[e]))[1]
$$;
revoke all on function public.append_entry from public;
