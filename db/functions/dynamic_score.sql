-- A draw from what may be the true share of successes of a gateway (Thompson sampling, by the normal approximation of the
-- Beta distribution, drawn in a little: bench/routing.ts): the less is known, the wider it scatters, so that little-known
-- gateways are tried. p_rate in percent.
create or replace function public.dynamic_score(p_rate numeric, p_outcomes integer) returns double precision
language sql volatile parallel safe as $$
  select p + 0.7 * sqrt(p * (1 - p) / (n + 1)) * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())
    from (select (p_rate::double precision / 100 * (p_outcomes + 5) + 1) / (p_outcomes + 7) as p, p_outcomes + 7 as n) beta
$$;
