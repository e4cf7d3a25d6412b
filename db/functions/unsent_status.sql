-- What an event is that no endpoint of its merchant took: disabled where there is no endpoint, else unwanted.
create or replace function public.unsent_status(p_client_id uuid) returns text
language sql stable security definer set search_path = '' as $$
  select case when exists (select from public.webhook_endpoints where client_id = p_client_id and removed_at is null)
    then 'unwanted' else 'disabled' end
$$;
revoke all on function public.unsent_status from public;
