-- Merchants of which a payment settled in the last p_since, in groups with about p_gateways gateways each: what refresh_success_rates
-- takes at a time.
create or replace function public.list_settling_clients(p_since interval default '2 minutes', p_gateways integer default 200)
returns setof uuid[]
language sql stable security definer set search_path = '' as $$
  select array_agg(client_id) from (
      select s.client_id, sum(count(*)) over (order by s.client_id) / p_gateways as place
        from public.gateway_states s
        where s.client_id in (select client_id from public.payment_attempts where settled_at > now() - p_since)
        group by s.client_id
    ) settling
    group by ceil(place)
$$;
revoke all on function public.list_settling_clients from public;
grant execute on function public.list_settling_clients to jobs;
