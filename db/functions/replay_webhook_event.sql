-- Delivers one event to its endpoint again, now; also one that waits for its next try, or that was not wanted. Audited.
-- Errors: LS044 reason_needed, LS142 no_such_event (a test event is none), LS141 no_webhook_endpoint.
create or replace function public.replay_webhook_event(p_event_id uuid, p_reason text, p_actor text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_event record;
begin
  if coalesce(p_reason, '') = '' then
    raise exception using errcode = 'LS044', message = 'a replay needs a reason', hint = 'Write why; it is kept in the audit log.';
  end if;
  select coalesce(endpoint_id, client_id) as endpoint_id, type, status, attempts into v_event from public.webhook_events where id = p_event_id and type <> 'webhook.test';
  if not found then
    raise exception using errcode = 'LS142', message = 'no such event', detail = p_event_id::text;
  end if;
  perform public.require_webhook_endpoint(v_event.endpoint_id);
  perform public.requeue_webhook_events(array[p_event_id], 0);
  perform public.record_audit(p_actor, 'replay_webhook', 'webhook_events', p_event_id::text,
    jsonb_build_object('type', v_event.type, 'status_before', v_event.status, 'tries_before', v_event.attempts, 'reason', p_reason));
end
$$;
revoke all on function public.replay_webhook_event from public;
grant execute on function public.replay_webhook_event to studio;
