-- The attempt whose payment a PSP's dispute is about: by the PSP's id of the payment, else as find_attempt does. The message was proven
-- to come from p_gateway_id's account; siblings as in find_attempt.
create or replace function public.find_disputed_attempt(
  p_gateway_id uuid, p_psp_payment_id text, p_psp_order_id text, p_reference text
) returns uuid
language sql stable security definer set search_path = '' as $$
  with siblings as materialized (
    select g.id from public.payment_gateways g
      join public.payment_gateways proven on proven.id = p_gateway_id and proven.client_id = g.client_id and proven.provider = g.provider
  )
  select coalesce(
    (select a.id from public.payment_attempts a join siblings s on s.id = a.gateway_id
      where a.psp_payment_id = p_psp_payment_id order by a.gateway_id = p_gateway_id desc, a.status = 'succeeded' desc limit 1),
    public.find_attempt(p_gateway_id, p_psp_order_id, p_reference))
$$;
revoke all on function public.find_disputed_attempt from public;
grant execute on function public.find_disputed_attempt to jobs;
