-- The attempt that a PSP's message is about: by the PSP's order id, else by our reference (the attempt's id). The message
-- was proven to come from p_gateway_id's account; where a merchant uses one webhook secret for several accounts of a PSP,
-- that account is the first whose secret fits, so the merchant's other gateways of the same provider count as well.
create or replace function public.find_attempt(p_gateway_id uuid, p_psp_order_id text, p_reference text) returns uuid
language sql stable security definer set search_path = '' as $$
  with siblings as materialized (
    select g.id from public.payment_gateways g
      join public.payment_gateways proven on proven.id = p_gateway_id and proven.client_id = g.client_id and proven.provider = g.provider
  )
  select coalesce(
    (select a.id from public.payment_attempts a join siblings s on s.id = a.gateway_id
      where a.psp_order_id = p_psp_order_id order by a.gateway_id = p_gateway_id desc limit 1),
    (select a.id from public.payment_attempts a join siblings s on s.id = a.gateway_id
      where a.id = case when p_reference ~ '^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$' then p_reference::uuid end))
$$;
revoke all on function public.find_attempt from public;
grant execute on function public.find_attempt to jobs;
