-- Marks a stored PSP webhook processed, or keeps why it could not be (p_error) while it is tried again.
create or replace function public.mark_gateway_event(p_event_id uuid, p_error text) returns void
language sql security definer set search_path = '' as $$
  update public.gateway_events set error = p_error, processed_at = case when p_error is null then now() end where id = p_event_id
$$;
revoke all on function public.mark_gateway_event from public;
grant execute on function public.mark_gateway_event to jobs;
