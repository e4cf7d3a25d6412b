-- The task of a merchant's payouts: grouped_task of the egress group that its collection account names, if any.
create or replace function public.collection_task(p_client_id uuid) returns text
language sql stable security definer set search_path = '' as $$
  select public.grouped_task('collect_payout', (select egress_group from public.collection_accounts where client_id = p_client_id))
$$;
revoke all on function public.collection_task from public;
