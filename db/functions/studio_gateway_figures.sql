-- What changes on these gateways, by id: {gateway id: gateway_figures}. Polled while somebody looks at them.
create or replace function public.studio_gateway_figures(p_gateway_ids uuid[]) returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_object_agg(g.id, public.gateway_figures(g, s, c.max_rpm_per_gateway)), '{}')
    from public.payment_gateways g
    join public.gateway_states s on s.gateway_id = g.id
    join public.clients c on c.id = g.client_id
    where g.id = any (p_gateway_ids)
$$;
revoke all on function public.studio_gateway_figures from public;
grant execute on function public.studio_gateway_figures to studio;
