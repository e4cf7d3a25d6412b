-- The merchant behind a client key, for authentication; secrets as ciphertext. Null when the key is unknown.
create or replace function public.find_client(p_client_key text) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('id', id, 'client_key', client_key, 'client_salt', client_salt, 'company_name', company_name,
      'status', status, 'allow_plain_salt', allow_plain_salt, 'redirect_urls', redirect_urls)
    from public.clients where client_key = p_client_key
$$;
revoke all on function public.find_client from public;
grant execute on function public.find_client to checkout;
