-- A merchant's closed months, newest first.
create or replace function public.list_billing_periods(p_client_id uuid) returns setof jsonb
language sql stable security definer set search_path = '' as $$
  select to_jsonb(p) - 'client_id' from public.billing_periods p where p.client_id = p_client_id order by p.month desc limit 120
$$;
revoke all on function public.list_billing_periods from public;
grant execute on function public.list_billing_periods to studio;
