-- All flows that wanted the event have run.
create or replace function public.close_studio_event(p_event_id uuid) returns void
language sql security definer set search_path = '' as $$
  update public.studio_events set closed_at = clock_timestamp() where id = p_event_id and closed_at is null
$$;
revoke all on function public.close_studio_event from public;
grant execute on function public.close_studio_event to studio;
