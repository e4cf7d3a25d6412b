-- The studio could not be reached, or is still at it: another job after as long as the event is old, from a second to a minute.
-- An alert after ten minutes; after three days the event is closed unread. Returns the seconds, null when it was given up.
create or replace function public.postpone_studio_event(p_event_id uuid, p_reason text) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_event public.studio_events;
  v_seconds integer;
begin
  select * into v_event from public.studio_events where id = p_event_id and closed_at is null;
  if not found then
    return null;
  end if;
  if v_event.created_at < now() - interval '10 minutes' then
    perform public.raise_alert('studio_unreachable', 'warning',
      format('Events wait for the studio''s flows: %s. Start the studio, or give jobs its address (STUDIO_URL).', p_reason),
      jsonb_build_object('reason', p_reason), 'studio_unreachable');
  end if;
  if v_event.created_at < now() - interval '3 days' then
    update public.studio_events set closed_at = now() where id = p_event_id;
    return null;
  end if;
  v_seconds := least(60, greatest(1, extract(epoch from now() - v_event.created_at)))::integer;
  perform public.enqueue_studio_event(p_event_id, now() + v_seconds * interval '1 second');
  return v_seconds;
end
$$;
revoke all on function public.postpone_studio_event from public;
grant execute on function public.postpone_studio_event to jobs;
