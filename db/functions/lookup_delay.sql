-- How long to wait before the PSP is asked again, after so many look-ups: 5 s, 30 s, 2 min, 10 min, then hourly for a day,
-- then daily. Up to a tenth longer, by lot: what an outage brought together does not come back together each time.
create or replace function public.lookup_delay(p_lookups integer) returns interval
language sql volatile parallel restricted as $$
  select (1 + random() * 0.1) * case
    when p_lookups <= 0 then interval '5 seconds'
    when p_lookups = 1 then interval '30 seconds'
    when p_lookups = 2 then interval '2 minutes'
    when p_lookups = 3 then interval '10 minutes'
    when p_lookups < 28 then interval '1 hour'
    else interval '1 day'
  end
$$;
