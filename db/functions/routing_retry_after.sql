-- Seconds until a gateway of the client may qualify again: the end of the nearest request window or cool-down, 1 to 60;
-- 60 when nothing is known to end (limits, switched off).
create or replace function public.routing_retry_after(
  p_client_id uuid, p_amount bigint, p_currency text, p_method text, p_now timestamptz
) returns integer
language sql stable security definer set search_path = '' as $$
  select least(60, greatest(1, coalesce(ceil(extract(epoch from min(
      case public.gateway_obstacle(g, s, c.max_rpm_per_gateway, p_amount, p_currency, p_method, p_now)
        when 'rpm_limit_reached' then s.window_started_at + interval '1 minute'
        when 'cooling_down' then s.cooldown_until
      end) - p_now)), 60)))::integer
    from public.clients c
    join public.gateway_states s on s.client_id = c.id
    join public.payment_gateways g on g.id = s.gateway_id
    where c.id = p_client_id
$$;
revoke all on function public.routing_retry_after from public;
