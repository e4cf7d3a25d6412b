-- A provider's webhook that is still to be read: {provider, raw_body (base64)}; null when it was.
create or replace function public.read_whatsapp_event(p_event_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('provider', provider, 'raw_body', encode(raw_body, 'base64'))
    from public.whatsapp_events where id = p_event_id and processed_at is null
$$;
revoke all on function public.read_whatsapp_event from public;
grant execute on function public.read_whatsapp_event to jobs;
