-- Sends events to a merchant's endpoint again that was disabled, without a change of its address. What was not sent meanwhile
-- waits to be replayed. Audited.
-- Errors: LS022 no_such_client, LS044 reason_needed.
create or replace function public.enable_webhook_endpoint(p_client_id uuid, p_reason text, p_actor text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if coalesce(p_reason, '') = '' then
    raise exception using errcode = 'LS044', message = 'enabling an endpoint needs a reason', hint = 'Write why; it is kept in the audit log.';
  end if;
  perform set_config('app.actor', p_actor, true);
  update public.clients set webhook_disabled_at = null where id = p_client_id;
  if not found then
    raise exception using errcode = 'LS022', message = 'no such client', detail = p_client_id::text;
  end if;
  perform public.record_audit(p_actor, 'enable_webhook_endpoint', 'clients', p_client_id::text, jsonb_build_object('reason', p_reason));
end
$$;
revoke all on function public.enable_webhook_endpoint from public;
grant execute on function public.enable_webhook_endpoint to studio;
