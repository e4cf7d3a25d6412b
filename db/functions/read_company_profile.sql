-- Who we are on invoices.
create or replace function public.read_company_profile() returns jsonb
language sql stable security definer set search_path = '' as $$
  select to_jsonb(p) - 'id' - 'updated_at' from public.company_profile p
$$;
revoke all on function public.read_company_profile from public;
grant execute on function public.read_company_profile to studio;
