-- A merchant suspended, disabled or let in again is an event for the studio's flows, whoever did it.
create or replace function public.client_status_event() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform public.write_studio_event(case new.status when 'active' then 'client.activated' else 'client.suspended' end, new.id,
    jsonb_build_object('client_id', new.id, 'company_name', new.company_name, 'status', new.status, 'status_before', old.status));
  return null;
end
$$;
create or replace trigger clients_status_event after update of status on public.clients
  for each row when (new.status <> old.status) execute function public.client_status_event();
