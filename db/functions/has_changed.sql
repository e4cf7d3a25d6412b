-- Whether the newest p_recent outcomes tell of another gateway than the ones before them within the window: their share of
-- successes is more than p_sigmas standard deviations (binomial, of the older share) away. Needs 10 older outcomes.
-- The older share is x/y, with a success and a failure assumed beforehand; |s/r - x/y| > p_sigmas * sqrt(x/y * (1 - x/y) / r) is
-- squared and freed of its fractions: one expression that the planner puts in place of the call, where a call costs a hundred times as much.
create or replace function public.has_changed(
  p_recent_successes bigint, p_recent bigint, p_successes bigint, p_outcomes bigint, p_sigmas integer
) returns boolean
language sql immutable parallel safe as $$
  select case when p_recent >= 10 and p_outcomes - p_recent >= 10 then
    (p_recent_successes * (p_outcomes - p_recent + 2) - p_recent * (p_successes - p_recent_successes + 1)) ^ 2
      > (p_sigmas * p_sigmas * p_recent) * (p_successes - p_recent_successes + 1)
        * (p_outcomes - p_recent + 2 - (p_successes - p_recent_successes + 1)) end
$$;
