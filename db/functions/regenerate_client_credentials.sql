-- Gives a merchant a new key, salt and webhook secret (ciphertexts made by the application). The old pair is refused from
-- this commit on; PSP webhooks to the old address are still accepted. p_webhook_secret null keeps the webhook secret.
-- Audited with the person's id.
-- Errors: LS022 no_such_client, LS011 key_was_used_before.
create or replace function public.regenerate_client_credentials(
  p_client_id uuid, p_client_key text, p_client_salt text, p_webhook_secret text, p_actor text
) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform set_config('app.actor', p_actor, true);
  update public.clients set client_key = p_client_key, new_client_salt = p_client_salt, new_webhook_secret = p_webhook_secret
    where id = p_client_id;
  if not found then
    raise exception using errcode = 'LS022', message = 'no such client', detail = p_client_id::text;
  end if;
  perform public.record_audit(p_actor, 'regenerate_credentials', 'clients', p_client_id::text, jsonb_build_object('client_key', p_client_key));
end
$$;
revoke all on function public.regenerate_client_credentials from public;
grant execute on function public.regenerate_client_credentials to studio;
