-- Whether the newest p_recent outcomes tell of another gateway than the ones before them within the window: their share of
-- successes is more than p_sigmas standard deviations (binomial, of the older share) away. Needs 10 older outcomes.
create or replace function public.has_changed(
  p_recent_successes bigint, p_recent bigint, p_successes bigint, p_outcomes bigint, p_sigmas integer
) returns boolean
language sql immutable parallel safe as $$
  select case when p_recent >= 10 and p_outcomes - p_recent >= 10 then
    abs(p_recent_successes::double precision / p_recent - p) > p_sigmas * sqrt(p * (1 - p) / p_recent) end
    from (select (p_successes - p_recent_successes + 1)::double precision / (p_outcomes - p_recent + 2) as p) older
$$;
