-- The provider's token as it is kept (ciphertext): {id, token, origin, generation, expires_in_seconds}; null when there is none.
create or replace function public.read_whatsapp_token(p_provider text) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('id', id, 'token', token, 'origin', origin, 'generation', generation,
      'expires_in_seconds', extract(epoch from expires_at - now())::integer)
    from public.whatsapp_provider_tokens where provider = p_provider
$$;
revoke all on function public.read_whatsapp_token from public;
grant execute on function public.read_whatsapp_token to jobs;
