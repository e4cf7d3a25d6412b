-- Moves ciphertext from the write-only columns new_… to the columns that keep secrets, inside the very statement that
-- brought it; the writer needs no right on the latter. Null leaves a secret as it is. A webhook secret that is replaced
-- goes on signing beside the new one for 24 hours, or for as long as the key and salt before it are valid.
create or replace function public.accept_client_secrets() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and new.new_webhook_secret is not null then
    new.previous_webhook_secret := old.webhook_secret;
    new.previous_webhook_secret_until := greatest(now() + interval '24 hours', new.previous_credentials_until);
  end if;
  new.client_salt := coalesce(new.new_client_salt, new.client_salt);
  new.webhook_secret := coalesce(new.new_webhook_secret, new.webhook_secret);
  new.new_client_salt := null;
  new.new_webhook_secret := null;
  return new;
end
$$;
create or replace trigger clients_accept_secrets before insert or update of new_client_salt, new_webhook_secret
  on public.clients for each row execute function public.accept_client_secrets();
