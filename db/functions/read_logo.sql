-- A logo by its hash. No row when there is none.
create or replace function public.read_logo(p_sha256 text) returns table (media_type text, content bytea)
language sql stable security definer set search_path = '' as $$
  select media_type, content from public.client_logos where sha256 = p_sha256 limit 1
$$;
revoke all on function public.read_logo from public;
grant execute on function public.read_logo to checkout;
