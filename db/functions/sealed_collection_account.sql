-- A collection account as the application needs it for calling or hearing its PSP; secrets as ciphertext.
create or replace function public.sealed_collection_account(a public.collection_accounts) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('client_id', a.client_id, 'provider', a.provider, 'api_key', a.api_key, 'api_secret', a.api_secret,
    'webhook_secret', a.webhook_secret, 'source_account', a.source_account)
$$;
revoke all on function public.sealed_collection_account from public;
