-- A gateway as the application needs it for calling or hearing its PSP; secrets as ciphertext.
create or replace function public.sealed_gateway(g public.payment_gateways) returns jsonb
language sql stable parallel safe as $$
  select jsonb_build_object('id', g.id, 'provider', g.provider, 'api_key', g.api_key, 'api_secret', g.api_secret,
    'webhook_secret', g.webhook_secret, 'settings', g.settings)
$$;
revoke all on function public.sealed_gateway from public;
