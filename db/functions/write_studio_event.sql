-- Writes an event for the studio's flows, with the job that brings it there, in the transaction that made it true; nothing
-- while no flow wants its type. p_data is what a flow sees as $trigger.payload.data.
create or replace function public.write_studio_event(p_type text, p_client_id uuid, p_data jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_event_id uuid;
begin
  if not exists (select from public.studio_event_types where type = p_type and is_wanted) then
    return;
  end if;
  insert into public.studio_events (type, client_id, data) values (p_type, p_client_id, p_data) returning id into v_event_id;
  perform public.enqueue_studio_event(v_event_id, now());
end
$$;
revoke all on function public.write_studio_event from public;
