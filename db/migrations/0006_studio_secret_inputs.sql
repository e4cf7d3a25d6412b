-- Write-only entrances for secrets. The studio reads every column it may write, so it has no right at all on the columns
-- that hold secrets; it writes their ciphertext here, and accept_secrets() moves it over before the row is stored. At rest
-- these columns are always null.

alter table public.clients
  add column new_client_salt text constraint clients_new_client_salt_check check (new_client_salt is null),
  add column new_webhook_secret text constraint clients_new_webhook_secret_check check (new_webhook_secret is null);

alter table public.payment_gateways
  add column new_api_secret text constraint payment_gateways_new_api_secret_check check (new_api_secret is null),
  add column new_webhook_secret text
    constraint payment_gateways_new_webhook_secret_check check (new_webhook_secret is null),
  -- whether one is kept, for people who may not read it
  add column has_webhook_secret boolean not null generated always as (webhook_secret is not null) stored;
