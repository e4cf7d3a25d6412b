-- Where a gateway on its way back from a cool-down stands for the next p_requests requests: 0 it gets one now (the probe), 2
-- only when no other can, 1 for a gateway that takes its full share. A probe that was not heard of for a minute is lost.
create or replace function public.probe_tier(s public.gateway_states, p_requests bigint, p_now timestamptz) returns integer
language sql volatile parallel safe as $$
  select case
    when s.probe_stage is null then 1
    when s.probe_stage = 0 then case when s.probe_sent_at > p_now - interval '1 minute' then 2 else 0 end
    when random() < public.probe_share(s.probe_stage) * p_requests then 0
    else 2
  end
$$;
