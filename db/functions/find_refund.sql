-- The refund that a PSP's message is about: by our reference (the refund's id), else by the PSP's id of it. The message was
-- proven to come from p_gateway_id's account; siblings as in find_attempt.
create or replace function public.find_refund(p_gateway_id uuid, p_psp_refund_id text, p_reference text) returns uuid
language sql stable security definer set search_path = '' as $$
  with siblings as materialized (
    select g.id from public.payment_gateways g
      join public.payment_gateways proven on proven.id = p_gateway_id and proven.client_id = g.client_id and proven.provider = g.provider
  )
  select coalesce(
    (select r.id from public.refunds r join siblings s on s.id = r.gateway_id
      where r.id = case when p_reference ~ '^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$' then p_reference::uuid end),
    (select r.id from public.refunds r join siblings s on s.id = r.gateway_id
      where r.psp_refund_id = p_psp_refund_id order by r.gateway_id = p_gateway_id desc limit 1))
$$;
revoke all on function public.find_refund from public;
grant execute on function public.find_refund to jobs;
