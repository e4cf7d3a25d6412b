-- A draw from what may be the true share of successes of a gateway (Thompson sampling, by the normal approximation of the
-- Beta distribution, drawn in a little: bench/routing.ts): the less is known, or the longer ago, the wider it scatters, so
-- that little-known gateways are tried. Five successes are assumed beforehand.
-- Of the method where the request names one that was measured, else of all.
create or replace function public.dynamic_score(s public.gateway_states, p_method text, p_now timestamptz) returns double precision
language sql volatile parallel safe as $$
  select p + 0.7 * sqrt(p * (1 - p) / (n + 1)) * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())
    from (
      select (successes * freshness + 6) / (outcomes * freshness + 7) as p, outcomes * freshness + 7 as n
        from (
          select coalesce((belief ->> 'successes')::double precision, 0) as successes,
              coalesce((belief ->> 'outcomes')::double precision, 0) as outcomes,
              coalesce(0.5 ^ (greatest(0, extract(epoch from p_now - s.believed_at))::double precision / s.belief_half_life), 1) as freshness
            from (select coalesce(s.beliefs -> p_method, s.beliefs -> '') as belief) known
        ) aged
    ) beta
$$;
