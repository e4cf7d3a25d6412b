-- The share of requests that a gateway on its way back from a cool-down gets, by stage; null at stage 0, which lets a single
-- request through at a time, and for a gateway that takes its full share.
create or replace function public.probe_share(p_stage smallint) returns double precision
language sql immutable parallel safe as $$
  select case p_stage when 1 then 0.05 when 2 then 0.2 when 3 then 0.5 end
$$;
