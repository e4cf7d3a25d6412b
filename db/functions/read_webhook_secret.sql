-- An endpoint's secret (ciphertext), for a person who may see it; each reading is audited.
-- Errors: LS148 no_such_endpoint.
create or replace function public.read_webhook_secret(p_endpoint_id uuid, p_actor text) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v record;
begin
  select w.client_id, w.url, coalesce(w.secret, c.webhook_secret) as secret into v
    from public.webhook_endpoints w join public.clients c on c.id = w.client_id
    where w.id = p_endpoint_id and w.removed_at is null;
  if not found then
    raise exception using errcode = 'LS148', message = 'no such endpoint', detail = p_endpoint_id::text;
  end if;
  perform public.record_audit(p_actor, 'reveal_webhook_secret', 'clients', v.client_id::text,
    jsonb_build_object('endpoint_id', p_endpoint_id, 'url', v.url));
  return v.secret;
end
$$;
revoke all on function public.read_webhook_secret from public;
grant execute on function public.read_webhook_secret to studio;
