-- A time as merchants read it: ISO 8601, UTC, milliseconds.
-- No more than stable, as to_char is: so it becomes part of the caller's expression.
create or replace function public.iso_time(p_at timestamptz) returns text
language sql stable parallel safe as $$
  select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
