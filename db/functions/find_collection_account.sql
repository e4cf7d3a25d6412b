-- A merchant's collection account for verifying what its PSP tells of payouts, by the merchant's key of now or a retired one. Null when there
-- is none.
create or replace function public.find_collection_account(p_client_key text) returns jsonb
language sql stable security definer set search_path = '' as $$
  select public.sealed_collection_account(a)
    from public.collection_accounts a
    where a.client_id = (
      select id from public.clients where client_key = p_client_key
      union all
      select client_id from public.retired_client_keys where client_key = p_client_key
      limit 1)
$$;
revoke all on function public.find_collection_account from public;
grant execute on function public.find_collection_account to checkout;
