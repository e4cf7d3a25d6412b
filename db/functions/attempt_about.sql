-- The attempt that a PSP's message is about: by the PSP's order id, else by our reference (the attempt's id). The message
-- was proven to come from p_gateway_id's account; where a merchant uses one webhook secret for several accounts of a PSP,
-- that account is the first whose secret fits, so the merchant's other gateways of the same provider count as well.
-- One row, null where there is none. It is a plain query, which becomes part of the statement that asks for many.
create or replace function public.attempt_about(p_gateway_id uuid, p_psp_order_id text, p_reference text) returns table (attempt_id uuid)
language sql stable as $$
  select coalesce(
    (select a.id from public.payment_attempts a where a.gateway_id = p_gateway_id and a.psp_order_id = p_psp_order_id),
    (select a.id from public.payment_gateways proven
      join public.payment_gateways g on g.client_id = proven.client_id and g.provider = proven.provider
      join public.payment_attempts a on a.gateway_id = g.id and a.psp_order_id = p_psp_order_id
      where proven.id = p_gateway_id limit 1),
    (select a.id from public.payment_attempts a
      join public.payment_gateways g on g.id = a.gateway_id
      join public.payment_gateways proven on proven.id = p_gateway_id and proven.client_id = g.client_id and proven.provider = g.provider
      where a.id = case when p_reference ~ '^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$' then p_reference::uuid end))
$$;
revoke all on function public.attempt_about from public;
