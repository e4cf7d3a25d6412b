-- Moves ciphertext from the write-only columns new_… to the columns that keep secrets, inside the very statement that
-- brought it; the writer needs no right on the latter. Null leaves a secret as it is.
create or replace function public.accept_gateway_secrets() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.api_secret := coalesce(new.new_api_secret, new.api_secret);
  new.webhook_secret := coalesce(new.new_webhook_secret, new.webhook_secret);
  new.new_api_secret := null;
  new.new_webhook_secret := null;
  return new;
end
$$;
create or replace trigger payment_gateways_accept_secrets before insert or update of new_api_secret, new_webhook_secret
  on public.payment_gateways for each row execute function public.accept_gateway_secrets();
