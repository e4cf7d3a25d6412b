-- A merchant's refund as it sees it, or null.
create or replace function public.read_refund(p_client_id uuid, p_refund_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select public.refund_view(r) from public.refunds r where r.id = p_refund_id and r.client_id = p_client_id
$$;
revoke all on function public.read_refund from public;
grant execute on function public.read_refund to checkout;
