-- The attempt that a PSP's message is about: by the PSP's order id, else by our reference (the attempt's id), always within
-- the gateway whose account the message was proven to come from.
create or replace function public.find_attempt(p_gateway_id uuid, p_psp_order_id text, p_reference text) returns uuid
language sql stable security definer set search_path = '' as $$
  select coalesce(
    (select id from public.payment_attempts where gateway_id = p_gateway_id and psp_order_id = p_psp_order_id),
    (select id from public.payment_attempts where gateway_id = p_gateway_id
      and id = case when p_reference ~ '^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$' then p_reference::uuid end))
$$;
revoke all on function public.find_attempt from public;
grant execute on function public.find_attempt to jobs;
