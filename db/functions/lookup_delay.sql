-- How long to wait before the PSP is asked again, after so many look-ups: 5 s, 30 s, 2 min, 10 min, then hourly for a day,
-- then daily.
create or replace function public.lookup_delay(p_lookups integer) returns interval
language sql immutable parallel safe as $$
  select case
    when p_lookups <= 0 then interval '5 seconds'
    when p_lookups = 1 then interval '30 seconds'
    when p_lookups = 2 then interval '2 minutes'
    when p_lookups = 3 then interval '10 minutes'
    when p_lookups < 28 then interval '1 hour'
    else interval '1 day'
  end
$$;
