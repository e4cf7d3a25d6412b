-- The merchant behind a client key, for authentication: the key and salt (ciphertext) of now, or the pair before it while their
-- overlap lasts (valid_seconds: how long still; null for the pair of now). Null when the key is unknown.
create or replace function public.find_client(p_client_key text) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('id', c.id, 'client_key', p_client_key,
      'client_salt', case when c.client_key = p_client_key then c.client_salt else c.previous_client_salt end,
      'valid_seconds', case when c.client_key <> p_client_key then extract(epoch from c.previous_credentials_until - now()) end,
      'company_name', c.company_name, 'status', c.status, 'allow_plain_salt', c.allow_plain_salt, 'redirect_urls', c.redirect_urls)
    from public.clients c
    where c.client_key = p_client_key or (c.previous_client_key = p_client_key and c.previous_credentials_until > now())
$$;
revoke all on function public.find_client from public;
grant execute on function public.find_client to checkout;
