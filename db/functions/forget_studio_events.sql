-- Removes events that are closed and older than 30 days, with the record of their runs. Returns how many.
create or replace function public.forget_studio_events(p_limit integer default 5000) returns integer
language sql security definer set search_path = '' as $$
  with gone as (
    delete from public.studio_events where id in (select id from public.studio_events
      where created_at < now() - interval '30 days' and closed_at is not null order by created_at limit p_limit for update skip locked)
    returning id
  )
  select count(*)::integer from gone
$$;
revoke all on function public.forget_studio_events from public;
grant execute on function public.forget_studio_events to jobs;
