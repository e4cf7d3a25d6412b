-- Keeps a provider's token (ciphertext made for the row p_id) in place of the one of p_generation, 0 when there is none yet.
-- False when another worker was first: read it again.
create or replace function public.save_whatsapp_token(
  p_provider text, p_id uuid, p_token text, p_origin text, p_expires_in_seconds integer, p_generation integer
) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if p_generation = 0 then
    insert into public.whatsapp_provider_tokens (id, provider, token, origin, expires_at)
      values (p_id, p_provider, p_token, p_origin, now() + p_expires_in_seconds * interval '1 second')
      on conflict on constraint whatsapp_provider_tokens_provider_key do nothing;
  else
    update public.whatsapp_provider_tokens set token = p_token, origin = p_origin, generation = generation + 1,
        expires_at = now() + p_expires_in_seconds * interval '1 second', renewed_at = now(), renewing_until = null
      where provider = p_provider and id = p_id and generation = p_generation;
  end if;
  return found;
end
$$;
revoke all on function public.save_whatsapp_token from public;
grant execute on function public.save_whatsapp_token to jobs;
