-- Whose endpoint it is; null where it is nobody's.
create or replace function public.find_endpoint_client(p_endpoint_id uuid) returns uuid
language sql stable security definer set search_path = '' as $$
  select client_id from public.webhook_endpoints where id = p_endpoint_id and removed_at is null
$$;
revoke all on function public.find_endpoint_client from public;
grant execute on function public.find_endpoint_client to studio;
