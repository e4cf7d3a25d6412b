-- What gateways did of late, newest first, of one client or of all: p_limit entries of the log (cool-downs, returns, switches)
-- and p_limit payments for which gateways were passed over. Switched-off gateways are passed over by everything and not told.
-- Each entry: {id, at, kind, client_id, company_name, gateway_id, gateway}; of the log also its details; of a payment
-- (kind skipped; the gateway is the one that took it) {transaction_id, order_id, skipped: [{gateway_id, gateway, reason}, at
-- most ten], skipped_count}. Reads the newest 200 attempts at most, or those of the client's newest 100 payments, by index.
create or replace function public.gateway_feed(p_client_id uuid, p_limit integer) returns jsonb
language plpgsql stable security definer set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
begin
  return (
    with attempts as materialized (
      select * from (select a.id, a.created_at, a.client_id, a.gateway_id, a.transaction_id, a.routing -> 'skipped' as skipped
        from public.payment_attempts a where p_client_id is null order by a.id desc limit 200) newest
      union all
      select a.id, a.created_at, a.client_id, a.gateway_id, a.transaction_id, a.routing -> 'skipped'
        from (select t.id from public.transactions t where t.client_id = p_client_id order by t.id desc limit 100) t
        join public.payment_attempts a on a.transaction_id = t.id
    ), passed_over as materialized (
      select a.id, a.created_at, a.client_id, a.gateway_id, a.transaction_id, s.gateways, s.n
        from attempts a cross join lateral (
          select count(*) as n, jsonb_agg(jsonb_build_object('gateway_id', o.key, 'gateway', g.name, 'reason', o.value)
              order by g.name, o.key) filter (where o.place <= 10) as gateways
            from (select key, value, row_number() over (order by key) as place from jsonb_each_text(a.skipped)
              where value <> 'inactive') o
            join public.payment_gateways g on g.id = o.key::uuid
        ) s
        where s.n > 0
        order by a.id desc limit p_limit
    ), entries as (
      select p.id, p.created_at, p.client_id, p.gateway_id, 'skipped' as kind,
          jsonb_build_object('transaction_id', p.transaction_id, 'order_id', t.order_id, 'skipped', p.gateways,
            'skipped_count', p.n) as more
        from passed_over p join public.transactions t on t.id = p.transaction_id
      union all
      (select l.id, l.created_at, l.client_id, l.gateway_id, l.kind, jsonb_build_object('details', l.details)
        from public.gateway_log l where p_client_id is null or l.client_id = p_client_id order by l.id desc limit p_limit)
    )
    select coalesce(jsonb_agg(e.more || jsonb_build_object('id', e.id, 'at', public.iso_time(e.created_at), 'kind', e.kind,
          'client_id', e.client_id, 'company_name', c.company_name, 'gateway_id', e.gateway_id, 'gateway', g.name)
        order by e.created_at desc, e.id desc), '[]')
      from entries e
      join public.clients c on c.id = e.client_id
      join public.payment_gateways g on g.id = e.gateway_id);
end
$$;
revoke all on function public.gateway_feed from public;
grant execute on function public.gateway_feed to studio;
