-- From when to when the next check of recent changes goes: from the end of the last one that came to its end (the first: an hour ago), and
-- a quarter of an hour before it, for what was under way then and had no row to be seen yet.
create or replace function public.read_check_window(out since timestamptz, out until timestamptz)
language sql stable security definer set search_path = '' as $$
  select coalesce((select checked_until from public.check_windows), now() - interval '1 hour') - interval '15 minutes', now()
$$;
revoke all on function public.read_check_window from public;
grant execute on function public.read_check_window to jobs;
