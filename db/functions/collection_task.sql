-- The task of a merchant's payouts: "collect_payout" or, where its collection account names an egress group,
-- "collect_payout:<group>", which only workers of that group run.
create or replace function public.collection_task(p_client_id uuid) returns text
language sql stable security definer set search_path = '' as $$
  select 'collect_payout' || coalesce((select ':' || egress_group from public.collection_accounts where client_id = p_client_id), '')
$$;
revoke all on function public.collection_task from public;
