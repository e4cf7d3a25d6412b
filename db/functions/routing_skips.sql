-- The gateways of a client that do not qualify for a payment, and why: {gateway id: reason}. Kept with the attempt.
create or replace function public.routing_skips(
  p_client_id uuid, p_max_rpm integer, p_amount bigint, p_currency text, p_method text, p_now timestamptz
) returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_object_agg(id, obstacle), '{}') from (
    select g.id, public.gateway_obstacle(g, s, p_max_rpm, p_amount, p_currency, p_method, p_now) as obstacle
      from public.gateway_states s join public.payment_gateways g on g.id = s.gateway_id
      where s.client_id = p_client_id) looked_at
    where obstacle is not null
$$;
revoke all on function public.routing_skips from public;
