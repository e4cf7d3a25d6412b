-- The task's name for a gateway: grouped_task of the egress group that it names, if any.
create or replace function public.egress_task(p_task text, p_gateway_id uuid) returns text
language sql stable security definer set search_path = '' as $$
  select public.grouped_task(p_task, egress_group) from public.payment_gateways where id = p_gateway_id
$$;
revoke all on function public.egress_task from public;
