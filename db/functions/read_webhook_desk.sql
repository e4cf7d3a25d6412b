-- What the studio shows of a merchant's webhooks, in one call: the endpoints, the newest page of events (read_webhook_log; of
-- one endpoint, or null = of all) and the newest replay. Null when there is no such client.
create or replace function public.read_webhook_desk(p_client_id uuid, p_endpoint_id uuid, p_which text, p_order_id text, p_limit integer) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('endpoints', public.list_webhook_endpoints(id),
      'events', public.read_webhook_log(id, p_endpoint_id, p_which, p_order_id, null, p_limit),
      'replay', public.read_webhook_replay(id, p_endpoint_id))
    from public.clients where id = p_client_id
$$;
revoke all on function public.read_webhook_desk from public;
grant execute on function public.read_webhook_desk to studio;
