-- What the landing page of a payment link shows, or null.
create or replace function public.read_link_page(p_code text) returns jsonb
language sql stable security definer set search_path = '' as $$
  select public.payment_link_view(l) || jsonb_build_object('client_id', l.client_id, 'company_name', c.company_name,
      'theme_color', c.theme_color, 'logo_sha256', c.logo_sha256)
    from public.payment_links l join public.clients c on c.id = l.client_id
    where l.code = p_code
$$;
revoke all on function public.read_link_page from public;
grant execute on function public.read_link_page to checkout;
