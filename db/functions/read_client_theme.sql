-- How a client's payment page looks, for the preview in the studio: {company_name, theme_color, logo_sha256}, or null.
create or replace function public.read_client_theme(p_client_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('company_name', company_name, 'theme_color', theme_color, 'logo_sha256', logo_sha256)
    from public.clients where id = p_client_id
$$;
revoke all on function public.read_client_theme from public;
grant execute on function public.read_client_theme to checkout;
