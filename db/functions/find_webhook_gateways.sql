-- A merchant's gateways for verifying an inbound PSP webhook, by its key of now or a retired one (PSP dashboards keep
-- posting to the old address). Inactive gateways too: their payments still settle. Null when the key is unknown.
create or replace function public.find_webhook_gateways(p_client_key text) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('client_id', k.client_id, 'gateways', coalesce(
      (select jsonb_agg(public.sealed_gateway(g) || jsonb_build_object('webhook_networks', g.webhook_networks) order by g.is_active desc, g.id)
        from public.payment_gateways g where g.client_id = k.client_id), '[]'))
    from (
      select id as client_id from public.clients where client_key = p_client_key
      union all
      select client_id from public.retired_client_keys where client_key = p_client_key
    ) k
$$;
revoke all on function public.find_webhook_gateways from public;
grant execute on function public.find_webhook_gateways to checkout;
