-- Start of the hour of Asia/Kolkata (half past an hour of UTC).
create or replace function public.hour_in_india(p_at timestamptz) returns timestamptz
language sql immutable parallel safe as $$
  select date_trunc('hour', p_at at time zone 'Asia/Kolkata') at time zone 'Asia/Kolkata'
$$;
