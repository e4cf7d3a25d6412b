-- A merchant's newest test event: the try, and the beginning of the answer. Null when there was none.
create or replace function public.read_webhook_test(p_client_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('event_id', t.event_id, 'created_at', public.iso_time(t.created_at), 'status', e.status, 'body', e.payload::text,
      'url', d.url, 'status_code', d.status_code, 'error', d.error, 'duration_ms', d.duration_ms, 'response_bytes', d.response_bytes,
      'content_type', t.content_type, 'answer', t.answer)
    from public.webhook_tests t
    join public.webhook_events e on e.id = t.event_id
    left join public.webhook_deliveries d on d.event_id = t.event_id and d.attempt_no = 1
    where t.client_id = p_client_id
    order by t.event_id desc limit 1
$$;
revoke all on function public.read_webhook_test from public;
grant execute on function public.read_webhook_test to studio;
