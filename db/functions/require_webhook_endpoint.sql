-- Refuses for a merchant to whom no events are sent.
-- Errors: LS022 no_such_client, LS141 no_webhook_endpoint.
create or replace function public.require_webhook_endpoint(p_client_id uuid) returns void
language plpgsql stable security definer set search_path = '' as $$
declare
  v_client record;
begin
  select webhook_url, webhook_disabled_at into v_client from public.clients where id = p_client_id;
  if not found then
    raise exception using errcode = 'LS022', message = 'no such client', detail = p_client_id::text;
  elsif v_client.webhook_url is null then
    raise exception using errcode = 'LS141', message = 'this merchant has no webhook URL', hint = 'Set one on the client''s page first.';
  elsif v_client.webhook_disabled_at is not null then
    raise exception using errcode = 'LS141', message = 'this merchant''s endpoint is disabled',
      hint = 'Switch it on again, or change its address, first.';
  end if;
end
$$;
revoke all on function public.require_webhook_endpoint from public;
