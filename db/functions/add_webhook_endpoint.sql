-- Adds an endpoint to a merchant, ten at most. p_endpoint_id and p_secret (ciphertext, bound to that id) are the
-- application's. A merchant without an address gets its first endpoint on its own page (clients.webhook_url). Audited.
-- Locks: the client's endpoints cannot be counted past ten: an advisory lock of the merchant.
-- Errors: LS022 no_such_client, LS149 invalid_endpoint, LS156 too_many_endpoints.
create or replace function public.add_webhook_endpoint(
  p_client_id uuid, p_endpoint_id uuid, p_url text, p_event_types jsonb, p_description text, p_secret text, p_actor text
) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  v_types constant text[] := public.check_endpoint_settings(p_url, p_event_types, p_description);
begin
  if not exists (select from public.clients where id = p_client_id) then
    raise exception using errcode = 'LS022', message = 'no such client', detail = p_client_id::text;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('webhook_endpoints:' || p_client_id, 0));
  if (select count(*) from public.webhook_endpoints where client_id = p_client_id and removed_at is null) >= 10 then
    raise exception using errcode = 'LS156', message = 'a merchant has ten endpoints at most', hint = 'Remove one that is no longer used.';
  end if;
  insert into public.webhook_endpoints (id, client_id, url, event_types, description, secret)
    values (p_endpoint_id, p_client_id, p_url, v_types, p_description, p_secret);
  perform public.record_audit(p_actor, 'add_webhook_endpoint', 'clients', p_client_id::text,
    jsonb_build_object('endpoint_id', p_endpoint_id, 'url', p_url, 'event_types', v_types, 'description', p_description));
  return p_endpoint_id;
end
$$;
revoke all on function public.add_webhook_endpoint from public;
grant execute on function public.add_webhook_endpoint to studio;
