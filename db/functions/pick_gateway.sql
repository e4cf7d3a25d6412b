-- Picks one gateway of a client for one payment and books amount, request count and last use on it.
-- Used where initiate_payments could not place a payment from the rows it had locked, and for failover.
-- First it takes the best row that nobody holds (skip locked); when every eligible row is held for the moment it waits for
-- the best of them: "locked" is never answered as "none". No row at all means that no gateway qualifies.
-- The caller holds the client's client_usage row. p_amount in paise; p_excluded: gateways already tried.
-- routing: how it was chosen, {mode, priority, success_rate, tried_before, skipped: {gateway id: reason}, probe?, explored?}.
-- explored: in dynamic mode, when another gateway that qualified has a better rate.
-- Locks: one gateway_states row.
create or replace function public.pick_gateway(
  p_client_id uuid, p_amount bigint, p_currency text, p_method text, p_excluded uuid[], p_now timestamptz
) returns table (gateway_id uuid, routing jsonb)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_client public.clients;
  v_skipped jsonb;
  v_picked record;
begin
  select * into strict v_client from public.clients where id = p_client_id;
  v_skipped := public.routing_skips(p_client_id, v_client.max_rpm_per_gateway, p_amount, p_currency, p_method, p_now);
  select s.gateway_id, g.priority, public.gateway_rate(s, p_method) as rate, public.probe_tier(s, 1, p_now) as tier into v_picked
    from public.gateway_states s join public.payment_gateways g on g.id = s.gateway_id
    where s.client_id = p_client_id and s.gateway_id <> all (p_excluded)
      and public.gateway_obstacle(g, s, v_client.max_rpm_per_gateway, p_amount, p_currency, p_method, p_now) is null
    order by tier, public.routing_keys(v_client.rotation_mode, g, s, p_method, 1, true, p_now), s.gateway_id
    limit 1
    for update of s skip locked;
  if not found then
    select s.gateway_id, g.priority, public.gateway_rate(s, p_method) as rate, public.probe_tier(s, 1, p_now) as tier into v_picked
      from public.gateway_states s join public.payment_gateways g on g.id = s.gateway_id
      where s.client_id = p_client_id and s.gateway_id <> all (p_excluded)
        and public.gateway_obstacle(g, s, v_client.max_rpm_per_gateway, p_amount, p_currency, p_method, p_now) is null
      order by tier, public.routing_keys(v_client.rotation_mode, g, s, p_method, 1, true, p_now), s.gateway_id
      limit 1
      for update of s;
    if not found then
      return;
    end if;
  end if;
  update public.gateway_states s set
      volume = p_amount + case when s.volume_month = public.month_in_india(p_now) then s.volume else 0 end,
      volume_month = public.month_in_india(p_now),
      window_count = 1 + case when s.window_started_at > p_now - interval '1 minute' then s.window_count else 0 end,
      window_started_at = case when s.window_started_at > p_now - interval '1 minute' then s.window_started_at else p_now end,
      probe_sent_at = case s.probe_stage when 0 then p_now else s.probe_sent_at end,
      last_used_at = p_now
    where s.gateway_id = v_picked.gateway_id;
  return query select v_picked.gateway_id, jsonb_strip_nulls(jsonb_build_object('mode', v_client.rotation_mode,
    'priority', v_picked.priority, 'success_rate', v_picked.rate, 'tried_before', cardinality(p_excluded),
    'probe', case when v_picked.tier <> 1 then true end, 'explored', case when v_client.rotation_mode = 'dynamic' and exists (
      select from public.gateway_states s join public.payment_gateways g on g.id = s.gateway_id
        where s.client_id = p_client_id and s.gateway_id <> all (p_excluded) and public.gateway_rate(s, p_method) > v_picked.rate
          and public.gateway_obstacle(g, s, v_client.max_rpm_per_gateway, p_amount, p_currency, p_method, p_now) is null
    ) then true end,
    'skipped', nullif(v_skipped, '{}')));
end
$$;
revoke all on function public.pick_gateway from public;
