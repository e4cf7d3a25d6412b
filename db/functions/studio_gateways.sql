-- A page of gateways for the studio, of one client or of all, by the clients' and then the gateways' names.
-- p_search: part of either name, or the whole of a provider, a client key or a gateway's id. p_filter: attention (on, and
-- cooling down, on its way back, failing, or close to its limit), cooling (down, or on its way back), inactive, or null.
-- p_after: {company_name, client_id, name, gateway_id} of the last row of the page before. figures: gateway_figures;
-- active_gateways: how many the client has, so that the last one is not switched off unawares.
create or replace function public.studio_gateways(
  p_client_id uuid, p_search text, p_filter text, p_after jsonb, p_limit integer
) returns table (
  gateway_id uuid, name text, provider text, client_id uuid, company_name text, rotation_mode text, cooldown_seconds integer,
  active_gateways integer, figures jsonb, sparkline jsonb
)
-- The arguments decide which index serves; a plan for all of them would read every row.
language plpgsql stable security definer set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
#variable_conflict use_column
declare
  v_search constant text := lower(nullif(btrim(p_search), ''));
  v_part constant text := '%' || replace(replace(replace(v_search, '\', '\\'), '%', '\%'), '_', '\_') || '%';
begin
  return query
  with page as materialized (
    select g as gateway, s as state, c.id as client_id, c.company_name, c.rotation_mode, c.cooldown_seconds, c.max_rpm_per_gateway
      from public.clients c
      join public.payment_gateways g on g.client_id = c.id
      join public.gateway_states s on s.gateway_id = g.id
      where (p_client_id is null or c.id = p_client_id)
        and (v_search is null or lower(c.company_name) like v_part or lower(g.name) like v_part or g.provider = v_search
          or c.client_key = btrim(p_search) or g.id::text = v_search)
        and case p_filter
          when 'attention' then g.is_active and (s.cooldown_until > now() or s.probe_stage is not null
            or (s.outcomes >= 5 and s.success_rate < 80)
            or (s.volume_month = public.month_in_india(now()) and s.volume >= 0.9 * g.monthly_limit))
          when 'cooling' then s.cooldown_until > now() or s.probe_stage is not null
          when 'inactive' then not g.is_active
          else true end
        and (p_after is null
          or (lower(c.company_name), c.id) >= (lower(p_after ->> 'company_name'), (p_after ->> 'client_id')::uuid))
        and (p_after is null
          or (lower(c.company_name), c.id, lower(g.name), g.id) > (lower(p_after ->> 'company_name'), (p_after ->> 'client_id')::uuid,
            lower(p_after ->> 'name'), (p_after ->> 'gateway_id')::uuid))
      order by lower(c.company_name), c.id, lower(g.name), g.id
      limit p_limit
  )
  select (p.gateway).id, (p.gateway).name, (p.gateway).provider, p.client_id, p.company_name, p.rotation_mode, p.cooldown_seconds,
      (select count(*)::integer from public.payment_gateways o where o.client_id = p.client_id and o.is_active),
      public.gateway_figures(p.gateway, p.state, p.max_rpm_per_gateway), public.gateway_sparkline((p.gateway).id)
    from page p
    order by lower(p.company_name), p.client_id, lower((p.gateway).name), (p.gateway).id;
end
$$;
revoke all on function public.studio_gateways from public;
grant execute on function public.studio_gateways to studio;
