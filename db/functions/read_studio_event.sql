-- An event as flows see it, or null when it is closed.
create or replace function public.read_studio_event(p_event_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('id', id, 'type', type, 'client_id', client_id, 'created_at', public.iso_time(created_at), 'data', data)
    from public.studio_events where id = p_event_id and closed_at is null
$$;
revoke all on function public.read_studio_event from public;
grant execute on function public.read_studio_event to studio;
