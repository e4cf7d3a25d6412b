-- Sends events to a disabled endpoint again, and those that were kept for it meanwhile (p_with_held), oldest first, as a
-- replay. Ends a rest too. Audited. Returns the replay's id; null = nothing was kept, or it was not wanted.
-- Locks: the endpoint's turn (advisory; hold_events), the endpoint, its replay. Errors: LS044 reason_needed, LS148 no_such_endpoint.
create or replace function public.enable_webhook_endpoint(p_endpoint_id uuid, p_with_held boolean, p_reason text, p_actor text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  w public.webhook_endpoints;
begin
  perform pg_advisory_xact_lock(hashtextextended('webhook_endpoint:' || p_endpoint_id, 0));
  w := public.find_webhook_endpoint(p_endpoint_id, p_reason);
  perform public.switch_on_endpoint(p_endpoint_id);
  perform public.record_audit(p_actor, 'enable_webhook_endpoint', 'clients', w.client_id::text,
    jsonb_build_object('endpoint_id', w.id, 'url', w.url, 'reason', btrim(p_reason), 'with_held', p_with_held));
  if w.disabled_at is not null then
    -- as its next step would, which has not seen that it was; what it has behind it may have been kept since
    update public.webhook_replays set status = 'stopped', note = 'The endpoint was disabled.', finished_at = now()
      where endpoint_id = p_endpoint_id and status = 'running';
  end if;
  if p_with_held and public.count_webhook_replay(p_endpoint_id, 'held', null, clock_timestamp()) > 0
      and not exists (select from public.webhook_replays where endpoint_id = p_endpoint_id and status = 'running') then
    return public.start_webhook_replay(p_endpoint_id, 'held', null, null, p_reason, p_actor);
  end if;
  return null;
end
$$;
revoke all on function public.enable_webhook_endpoint from public;
grant execute on function public.enable_webhook_endpoint to studio;
