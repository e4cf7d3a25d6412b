-- Changes an endpoint's address, filter and description. Another address is enabled and begins with no past; events that were
-- kept for the one before can be replayed to it. Audited with before and after.
-- Locks: the client (of the first endpoint), the endpoint.
-- Errors: LS044 reason_needed, LS148 no_such_endpoint, LS149 invalid_endpoint.
create or replace function public.change_webhook_endpoint(
  p_endpoint_id uuid, p_url text, p_event_types jsonb, p_description text, p_reason text, p_actor text
) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_types constant text[] := public.check_endpoint_settings(p_url, p_event_types, p_description);
  w public.webhook_endpoints;
begin
  perform set_config('app.actor', p_actor, true);
  perform from public.clients where id = p_endpoint_id for no key update;
  w := public.find_webhook_endpoint(p_endpoint_id, p_reason);
  update public.clients set webhook_url = p_url where id = p_endpoint_id and webhook_url <> p_url;
  update public.webhook_endpoints set event_types = v_types, description = p_description, updated_at = now() where id = p_endpoint_id;
  if w.url <> p_url then
    update public.webhook_endpoints set url = p_url where id = p_endpoint_id;
    perform public.switch_on_endpoint(p_endpoint_id);
  end if;
  perform public.record_audit(p_actor, 'change_webhook_endpoint', 'clients', w.client_id::text,
    jsonb_build_object('endpoint_id', w.id, 'reason', btrim(p_reason), 'url_before', w.url, 'url', p_url,
      'event_types_before', w.event_types, 'event_types', v_types, 'description', p_description));
end
$$;
revoke all on function public.change_webhook_endpoint from public;
grant execute on function public.change_webhook_endpoint to studio;
