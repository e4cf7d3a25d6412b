-- Stops sending events to an endpoint; they are kept until it is enabled. Audited.
-- Errors: LS044 reason_needed, LS148 no_such_endpoint.
create or replace function public.disable_webhook_endpoint(p_endpoint_id uuid, p_reason text, p_actor text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  w constant public.webhook_endpoints := public.find_webhook_endpoint(p_endpoint_id, p_reason);
begin
  perform public.switch_off_endpoint(p_endpoint_id, 'operator');
  perform public.record_audit(p_actor, 'disable_webhook_endpoint', 'clients', w.client_id::text,
    jsonb_build_object('endpoint_id', w.id, 'url', w.url, 'reason', btrim(p_reason)));
end
$$;
revoke all on function public.disable_webhook_endpoint from public;
grant execute on function public.disable_webhook_endpoint to studio;
