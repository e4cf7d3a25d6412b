-- The endpoint that an operator names, locked, and their reason, before anything is done to it.
-- Errors: LS044 reason_needed, LS148 no_such_endpoint.
create or replace function public.find_webhook_endpoint(p_endpoint_id uuid, p_reason text) returns public.webhook_endpoints
language plpgsql security definer set search_path = '' as $$
declare
  w public.webhook_endpoints;
begin
  if coalesce(btrim(p_reason), '') = '' then
    raise exception using errcode = 'LS044', message = 'say why', hint = 'The reason is kept in the audit trail.';
  end if;
  select * into w from public.webhook_endpoints where id = p_endpoint_id and removed_at is null for no key update;
  if not found then
    raise exception using errcode = 'LS148', message = 'no such endpoint', detail = p_endpoint_id::text;
  end if;
  return w;
end
$$;
revoke all on function public.find_webhook_endpoint from public;
