-- The order in which gateways that qualify are taken: least keys first.
--   smart        priority, then success rate, then longest not used
--   round_robin  longest not used
--   weighted     by lot, in proportion to weight
--   dynamic      by a draw from what its success rate may be (dynamic_score)
-- A probe (p_tier 0) comes before all. Without p_by_lot weight and rate stand in place of the draws, for explanations.
create or replace function public.routing_keys(
  p_mode text, g public.payment_gateways, s public.gateway_states, p_method text, p_tier integer, p_by_lot boolean, p_now timestamptz
) returns double precision[]
language sql volatile parallel safe as $$
  select array[
    p_tier,
    case p_mode when 'smart' then -g.priority else 0 end,
    case
      when p_mode = 'smart' then -public.gateway_rate(s, p_method)::double precision
      when p_mode = 'weighted' and p_by_lot then -ln(1 - random()) / g.weight
      when p_mode = 'weighted' then -g.weight
      when p_mode = 'dynamic' and p_by_lot then -public.dynamic_score(s, p_method, p_now)
      when p_mode = 'dynamic' then -public.gateway_rate(s, p_method)::double precision
      else 0
    end,
    coalesce(date_part('epoch', s.last_used_at), 0)]
$$;
