-- What routing would do now with a payment: every gateway of the client, those that qualify first and in the order in
-- which they would be taken (position 1 is next), the others with the reason why they are skipped. Changes nothing.
-- A what-if: p_mode in place of the client's rotation mode, p_without: gateways imagined switched off.
-- Where the choice is by lot (weighted, dynamic, probes) the position follows weight, rate and stage.
-- circuit: closed, open (cooling down) or half_open (on its way back; probe_share of the requests, null = one at a time).
-- p_amount in paise.
create or replace function public.explain_routing(
  p_client_id uuid, p_amount bigint, p_currency text default 'INR', p_method text default null,
  p_mode text default null, p_without uuid[] default '{}'
) returns table (
  "position" integer, gateway_id uuid, name text, provider text, skipped_because text, priority integer, weight integer,
  success_rate numeric, outcomes integer, last_used_at timestamptz, volume bigint, monthly_limit bigint, used_this_minute integer,
  circuit text, probe_share double precision, cooldown_until timestamptz
)
language sql stable security definer set search_path = '' as $$
  with looked_at as (
    select g.id, g.name, g.provider, g.priority, g.weight, g.monthly_limit, s.last_used_at, s.cooldown_until,
        public.gateway_rate(s, p_method) as rate,
        coalesce((s.method_rates -> p_method ->> 'outcomes')::integer, s.outcomes) as outcomes,
        case when s.volume_month = public.month_in_india(now()) then s.volume else 0 end as volume,
        case when s.window_started_at > now() - interval '1 minute' then s.window_count else 0 end as used,
        case when s.cooldown_until > now() then 'open' when s.probe_stage is not null then 'half_open' else 'closed' end as circuit,
        public.probe_share(s.probe_stage) as share,
        case when g.id = any (p_without) then 'left_out'
          else public.gateway_obstacle(g, s, c.max_rpm_per_gateway, p_amount, p_currency, p_method, now()) end as obstacle,
        public.routing_keys(coalesce(p_mode, c.rotation_mode), g, s, p_method,
          case when s.probe_stage is null then 1 else 2 end, false, now()) as keys
      from public.clients c
      join public.payment_gateways g on g.client_id = c.id
      join public.gateway_states s on s.gateway_id = g.id
      where c.id = p_client_id
  )
  select case when obstacle is null then row_number() over (order by obstacle is not null, keys, id)::integer end,
      id, name, provider, obstacle, priority, weight, rate, outcomes::integer, last_used_at, volume, monthly_limit, used::integer,
      circuit, share, cooldown_until
    from looked_at
    order by 1 nulls last, name, id
$$;
revoke all on function public.explain_routing from public;
grant execute on function public.explain_routing to checkout, jobs, studio;
