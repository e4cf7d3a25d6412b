-- Removes an endpoint: nothing is sent to it any more, and what is due for it is kept as not delivered. Its events and their
-- log stay. Audited.
-- Locks: the client (of the first endpoint), the endpoint.
-- Errors: LS044 reason_needed, LS148 no_such_endpoint.
create or replace function public.remove_webhook_endpoint(p_endpoint_id uuid, p_reason text, p_actor text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  w public.webhook_endpoints;
begin
  perform set_config('app.actor', p_actor, true);
  perform from public.clients where id = p_endpoint_id for no key update;
  w := public.find_webhook_endpoint(p_endpoint_id, p_reason);
  update public.clients set webhook_url = null where id = p_endpoint_id;
  update public.webhook_endpoints set removed_at = now(), updated_at = now() where id = p_endpoint_id;
  perform public.close_endpoint_alert(p_endpoint_id);
  perform public.record_audit(p_actor, 'remove_webhook_endpoint', 'clients', w.client_id::text,
    jsonb_build_object('endpoint_id', w.id, 'url', w.url, 'reason', btrim(p_reason)));
end
$$;
revoke all on function public.remove_webhook_endpoint from public;
grant execute on function public.remove_webhook_endpoint to studio;
