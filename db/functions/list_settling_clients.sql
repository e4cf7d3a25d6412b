-- Merchants of which a payment settled in the last p_since.
create or replace function public.list_settling_clients(p_since interval default '2 minutes') returns setof uuid
language sql stable security definer set search_path = '' as $$
  select distinct client_id from public.payment_attempts where settled_at > now() - p_since order by client_id
$$;
revoke all on function public.list_settling_clients from public;
grant execute on function public.list_settling_clients to jobs;
