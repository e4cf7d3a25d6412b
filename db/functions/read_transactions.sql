-- read_transaction for many in one round trip: a row for each id, in their order, null where there is none. Reads only.
create or replace function public.read_transactions(p_transaction_ids uuid[]) returns table (value jsonb)
language sql stable security definer set search_path = '' as $$
  select public.read_transaction(id) from unnest(p_transaction_ids) with ordinality as asked (id, n) order by n
$$;
revoke all on function public.read_transactions from public;
grant execute on function public.read_transactions to checkout;
