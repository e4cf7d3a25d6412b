-- A merchant's payment link, or null.
create or replace function public.read_payment_link(p_client_id uuid, p_link_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select public.payment_link_view(l) from public.payment_links l where l.id = p_link_id and l.client_id = p_client_id
$$;
revoke all on function public.read_payment_link from public;
grant execute on function public.read_payment_link to checkout;
