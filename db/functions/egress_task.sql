-- The task's name for a gateway: "<task>" or, where the gateway names an egress group, "<task>:<group>", which only workers
-- of that group run.
create or replace function public.egress_task(p_task text, p_gateway_id uuid) returns text
language sql stable security definer set search_path = '' as $$
  select p_task || coalesce(':' || egress_group, '') from public.payment_gateways where id = p_gateway_id
$$;
revoke all on function public.egress_task from public;
