-- The one clock.
create or replace function public.read_database_time() returns timestamptz
language sql volatile set search_path = '' as $$
  select clock_timestamp()
$$;
revoke all on function public.read_database_time from public;
grant execute on function public.read_database_time to checkout, jobs, studio;
