-- Sends events to a disabled endpoint again, and those that were kept for it meanwhile (p_with_held), oldest first, as a
-- replay. Ends a rest too. Audited. Returns the replay's id; null = nothing was kept, or it was not wanted.
-- Errors: LS044 reason_needed, LS148 no_such_endpoint.
create or replace function public.enable_webhook_endpoint(p_endpoint_id uuid, p_with_held boolean, p_reason text, p_actor text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  w constant public.webhook_endpoints := public.find_webhook_endpoint(p_endpoint_id, p_reason);
begin
  update public.webhook_endpoints set disabled_at = null, disabled_because = null, failures = 0, resting_until = null, rests = 0,
      probe_event_id = null, failing_since = null, updated_at = now()
    where id = p_endpoint_id;
  perform public.close_endpoint_alert(p_endpoint_id);
  perform public.record_audit(p_actor, 'enable_webhook_endpoint', 'clients', w.client_id::text,
    jsonb_build_object('endpoint_id', w.id, 'url', w.url, 'reason', btrim(p_reason), 'with_held', p_with_held));
  if p_with_held and public.count_webhook_replay(p_endpoint_id, 'held', null, null) > 0
      and not exists (select from public.webhook_replays where endpoint_id = p_endpoint_id and status = 'running') then
    return public.start_webhook_replay(p_endpoint_id, 'held', null, null, p_reason, p_actor);
  end if;
  return null;
end
$$;
revoke all on function public.enable_webhook_endpoint from public;
grant execute on function public.enable_webhook_endpoint to studio;
