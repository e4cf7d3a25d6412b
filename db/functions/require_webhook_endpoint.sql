-- Refuses for an endpoint to which no events are sent. Returns its merchant.
-- Errors: LS022 no_such_client (where the id is no endpoint's), LS141 no_webhook_endpoint.
create or replace function public.require_webhook_endpoint(p_endpoint_id uuid) returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  w record;
begin
  select client_id, disabled_at, removed_at into w from public.webhook_endpoints where id = p_endpoint_id;
  if not found and not exists (select from public.clients where id = p_endpoint_id) then
    raise exception using errcode = 'LS022', message = 'no such client', detail = p_endpoint_id::text;
  elsif w.client_id is null or w.removed_at is not null then
    raise exception using errcode = 'LS141', message = 'this merchant has no such endpoint', hint = 'Give it an address first.';
  elsif w.disabled_at is not null then
    raise exception using errcode = 'LS141', message = 'this endpoint is disabled',
      hint = 'Enable it, or change its address, first.';
  end if;
  return w.client_id;
end
$$;
revoke all on function public.require_webhook_endpoint from public;
