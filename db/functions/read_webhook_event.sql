-- One event with what is sent and every try, oldest first. Null when there is none.
create or replace function public.read_webhook_event(p_event_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('id', e.id, 'client_id', e.client_id, 'body', e.payload::text, 'tries', coalesce(
      (select jsonb_agg(jsonb_build_object('attempt_no', d.attempt_no, 'url', d.url, 'status_code', d.status_code, 'error', d.error,
          'duration_ms', d.duration_ms, 'response_bytes', d.response_bytes, 'created_at', public.iso_time(d.created_at)) order by d.attempt_no)
        from public.webhook_deliveries d where d.event_id = e.id), '[]'))
    from public.webhook_events e where e.id = p_event_id
$$;
revoke all on function public.read_webhook_event from public;
grant execute on function public.read_webhook_event to studio;
