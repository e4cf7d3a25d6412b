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
  v_id constant uuid := case when v_search ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then v_search::uuid end;
  v_company constant text := lower(p_after ->> 'company_name');
  v_client_id constant uuid := p_after ->> 'client_id';
  v_name constant text := lower(p_after ->> 'name');
  v_gateway_id constant uuid := p_after ->> 'gateway_id';
  v_ids uuid[];
begin
  if v_search is null then
    -- in the order of the index, and no further than the page
    v_ids := array(
      select g.id from public.clients c
        join public.payment_gateways g on g.client_id = c.id
        join public.gateway_states s on s.gateway_id = g.id
        where (p_client_id is null or c.id = p_client_id) and public.gateway_matches(g, s, p_filter)
          and (p_after is null or (lower(c.company_name), c.id) >= (v_company, v_client_id))
          and (p_after is null or (lower(c.company_name), c.id, lower(g.name), g.id) > (v_company, v_client_id, v_name, v_gateway_id))
        order by lower(c.company_name), c.id, lower(g.name), g.id
        limit p_limit);
  else
    -- once over the names of each, then what was found: in the index's order a rare name would be looked for row by row
    v_ids := array(
      with found as materialized (
        select g.id, g.client_id, lower(c.company_name) as company, lower(g.name) as name
          from (
            select o.id from public.clients m join public.payment_gateways o on o.client_id = m.id
              where (p_client_id is null or m.id = p_client_id)
                and (lower(m.company_name) like v_part or m.client_key = btrim(p_search))
            union
            select o.id from public.payment_gateways o
              where (p_client_id is null or o.client_id = p_client_id)
                and (lower(o.name) like v_part or o.provider = v_search or o.id = v_id)
          ) named
          join public.payment_gateways g on g.id = named.id
          join public.clients c on c.id = g.client_id
      )
      select f.id from found f
        join public.payment_gateways g on g.id = f.id
        join public.gateway_states s on s.gateway_id = f.id
        where public.gateway_matches(g, s, p_filter)
          and (p_after is null or (f.company, f.client_id, f.name, f.id) > (v_company, v_client_id, v_name, v_gateway_id))
        order by f.company, f.client_id, f.name, f.id
        limit p_limit);
  end if;
  return query
  select g.id, g.name, g.provider, c.id, c.company_name, c.rotation_mode, c.cooldown_seconds,
      (select count(*)::integer from public.payment_gateways o where o.client_id = c.id and o.is_active),
      public.gateway_figures(g, s, c.max_rpm_per_gateway), public.gateway_sparkline(g.id)
    from unnest(v_ids) with ordinality page (id, place)
    join public.payment_gateways g on g.id = page.id
    join public.gateway_states s on s.gateway_id = g.id
    join public.clients c on c.id = g.client_id
    order by page.place;
end
$$;
revoke all on function public.studio_gateways from public;
grant execute on function public.studio_gateways to studio;
