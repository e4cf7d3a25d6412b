-- First day of the calendar month in Asia/Kolkata, in which monthly limits are counted.
create or replace function public.month_in_india(p_at timestamptz) returns date
language sql immutable parallel safe as $$
  select date_trunc('month', p_at at time zone 'Asia/Kolkata')::date
$$;
