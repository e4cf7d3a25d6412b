-- What routing would do now with a payment: every gateway of the client, those that qualify first and in the order in
-- which they would be taken (position 1 is next), the others with the reason why they are skipped. Changes nothing.
-- In weighted mode the position follows the weight; the real choice is drawn by lot.
create or replace function public.explain_routing(
  p_client_id uuid, p_amount bigint, p_currency text default 'INR', p_method text default null
) returns table (
  "position" integer, gateway_id uuid, name text, provider text, skipped_because text, priority integer, weight integer,
  success_rate numeric, last_used_at timestamptz, volume bigint, monthly_limit bigint, used_this_minute integer, cooldown_until timestamptz
)
language sql stable security definer set search_path = '' as $$
  with looked_at as (
    select c.rotation_mode, g.id, g.name, g.provider, g.priority, g.weight, s.success_rate, s.last_used_at, g.monthly_limit,
        s.cooldown_until,
        case when s.volume_month = public.month_in_india(now()) then s.volume else 0 end as volume,
        case when s.window_started_at > now() - interval '1 minute' then s.window_count else 0 end as used,
        public.gateway_obstacle(g, s, c.max_rpm_per_gateway, p_amount, p_currency, p_method, now()) as obstacle
      from public.clients c
      join public.payment_gateways g on g.client_id = c.id
      join public.gateway_states s on s.gateway_id = g.id
      where c.id = p_client_id
  )
  select case when obstacle is null then row_number() over (order by
        obstacle is not null,
        case when rotation_mode = 'smart' then -priority end,
        case when rotation_mode = 'smart' then -success_rate end,
        case when rotation_mode = 'weighted' then -weight end,
        last_used_at nulls first, id)::integer end,
      id, name, provider, obstacle, priority, weight, success_rate, last_used_at, volume, monthly_limit, used::integer, cooldown_until
    from looked_at
    order by 1 nulls last, name, id
$$;
revoke all on function public.explain_routing from public;
grant execute on function public.explain_routing to checkout, jobs, studio;
