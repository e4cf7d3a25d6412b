-- Measures those gateways of the merchants p_client_ids (null: of all) that settled something in the last p_since: in all and a method.
-- Each merchant's are measured by themselves, at some milliseconds a gateway: callers name a few merchants at a time
-- (list_settling_clients), so that no snapshot gets old and no row is locked for long.
-- success_rate, method_rates: the share of successes among the last 125 settled attempts, with 5 successes assumed beforehand so
-- that one failure does not empty a new gateway. Where the last 10 or 25 differ from those before them by more than three
-- standard deviations, the gateway has changed, and only they count. What the payer gave up or the merchant asked wrongly does
-- not count against a gateway.
-- beliefs (for dynamic_score): the last 500, each worth half as much for every 1,000 payments that the merchant settled since,
-- or what came after a change of four standard deviations: asked every 15 seconds, three find a change that is none too often;
-- the seconds that takes are twice what its newest 500 took. A merchant with fewer forgets nothing.
-- Those of the merchant's other gateways age at the same pace.
-- Returns how many gateways' measures changed.
-- Locks: gateway_states rows that change, skip locked.
create or replace function public.refresh_success_rates(p_since interval default '2 minutes', p_client_ids uuid[] default null) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_count integer;
begin
  with recent as (
    select s.client_id, s.gateway_id from public.gateway_states s
      where s.client_id = any (coalesce(p_client_ids, array(
          select distinct client_id from public.payment_attempts where settled_at > now() - p_since)))
        and exists (select from public.payment_attempts x where x.gateway_id = s.gateway_id and x.settled_at > now() - p_since)
  ), outcomes as materialized (
    -- each is the nth newest of its gateway, and of those of its method there; they come in this order from their index
    select recent.client_id, recent.gateway_id, o.*
      from recent
      cross join lateral (
        select a.method, a.is_success, a.settled_at, row_number() over (order by a.settled_at desc) as n,
            row_number() over (partition by a.method order by a.settled_at desc) as method_n
          from (select nullif(x.method, '') collate "C" as method, (x.status = 'succeeded')::integer as is_success, x.settled_at
            from public.payment_attempts x
            where x.gateway_id = recent.gateway_id and x.settled_at is not null and x.status in ('succeeded', 'failed')
              and coalesce(x.error_code, '') not in ('cancelled_by_payer', 'payer_timed_out', 'invalid_request')
            order by x.settled_at desc limit 500) a
      ) o
  ), pace as (
    -- Whoever is among the merchant's newest 500 is among its gateway's newest 500.
    select client_id, nullif(greatest(0, 2 * extract(epoch from now() - (array_agg(settled_at order by settled_at desc))[500])), 0)::real as half_life
      from outcomes
      where client_id in (select client_id from outcomes group by client_id having count(*) >= 500)
      group by client_id
  ), weighed as materialized (
    select o.*, coalesce(0.5 ^ (date_part('epoch', now() - o.settled_at) / pace.half_life), 1) as weight
      from outcomes o left join pace using (client_id)
  ), counted as (
    -- each outcome counts for the gateway ('') and for its method
    select gateway_id, method, max(settled_at) as newest,
        count(*) filter (where n <= 125) as n, sum(is_success) filter (where n <= 125) as s,
        count(*) filter (where n <= 10) as n10, sum(is_success) filter (where n <= 10) as s10,
        count(*) filter (where n <= 25) as n25, sum(is_success) filter (where n <= 25) as s25,
        sum(weight) as b, sum(weight * is_success) as bs,
        sum(weight) filter (where n <= 10) as b10, sum(weight * is_success) filter (where n <= 10) as bs10,
        sum(weight) filter (where n <= 25) as b25, sum(weight * is_success) filter (where n <= 25) as bs25
      from (
        select gateway_id, '' as method, is_success, settled_at, weight, n from weighed
        union all
        select gateway_id, method, is_success, settled_at, weight, method_n from weighed where method is not null
      ) series
      group by 1, 2
  ), windowed as (
    select c.*,
        case when public.has_changed(s10, n10, s, n, 3) then 10 when public.has_changed(s25, n25, s, n, 3) then 25 end as since_change,
        case when public.has_changed(s10, n10, s, n, 4) then 10 when public.has_changed(s25, n25, s, n, 4) then 25 end as believed_since
      from counted c
  ), measured as (
    select gateway_id, method, newest,
        case since_change when 10 then n10 when 25 then n25 else n end as n,
        case since_change when 10 then s10 when 25 then s25 else s end as successes,
        case believed_since when 10 then b10 when 25 then b25 else b end as believed,
        case believed_since when 10 then bs10 when 25 then bs25 else bs end as believed_successes
      from windowed
  ), summed as (
    select gateway_id, max(newest) as newest,
        max(round(100.0 * (5 + successes) / (5 + n), 2)) filter (where method = '') as rate,
        max(n) filter (where method = '') as n,
        coalesce(jsonb_object_agg(method, jsonb_build_object('rate', round(100.0 * (5 + successes) / (5 + n), 2), 'outcomes', n))
          filter (where method <> ''), '{}') as methods,
        jsonb_object_agg(method, jsonb_build_object('successes', round(believed_successes::numeric, 2), 'outcomes', round(believed::numeric, 2))) as beliefs
      from measured group by 1
  ), locked as (
    select s.gateway_id, m.rate, m.n, m.methods, m.beliefs, coalesce(pace.half_life, s.belief_half_life) as half_life
      from public.gateway_states s
      left join summed m on m.gateway_id = s.gateway_id
      left join pace on pace.client_id = s.client_id
      where s.client_id in (select client_id from recent)
        and (
          m.gateway_id is not null
            and (s.believed_at is null or s.believed_at < m.newest
              or (s.success_rate, s.outcomes, s.method_rates) is distinct from (m.rate, m.n, m.methods))
          -- What settled nothing lately ages with the others all the same.
          or abs(coalesce(s.belief_half_life, 0) - pace.half_life) > pace.half_life / 10
        )
      for update of s skip locked
  )
  update public.gateway_states s set
      success_rate = coalesce(locked.rate, s.success_rate),
      outcomes = coalesce(locked.n, s.outcomes),
      method_rates = coalesce(locked.methods, s.method_rates),
      beliefs = coalesce(locked.beliefs, s.beliefs),
      believed_at = case when locked.beliefs is null then s.believed_at else now() end,
      belief_half_life = locked.half_life
    from locked where s.gateway_id = locked.gateway_id;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
revoke all on function public.refresh_success_rates from public;
grant execute on function public.refresh_success_rates to jobs;
