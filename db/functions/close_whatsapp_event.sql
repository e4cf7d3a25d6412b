-- Notes that a provider's webhook was read; p_error says what of it was not understood.
create or replace function public.close_whatsapp_event(p_event_id uuid, p_error text) returns void
language sql security definer set search_path = '' as $$
  update public.whatsapp_events set processed_at = clock_timestamp(), error = left(p_error, 500) where id = p_event_id
$$;
revoke all on function public.close_whatsapp_event from public;
grant execute on function public.close_whatsapp_event to jobs;
