-- Marks a stored PSP webhook processed although it is about nothing of ours, and keeps what it was (p_note) for operators.
create or replace function public.close_gateway_event(p_event_id uuid, p_note text) returns void
language sql security definer set search_path = '' as $$
  update public.gateway_events set error = p_note, processed_at = now() where id = p_event_id and processed_at is null
$$;
revoke all on function public.close_gateway_event from public;
grant execute on function public.close_gateway_event to jobs;
