-- Measures the success rate of gateways that settled something in the last p_since: in all and a method. A rate is the share
-- of successes among the last 125 settled attempts, with 5 successes assumed beforehand so that one failure does not empty a
-- new gateway. Where the last 10 or 25 differ from those before them by more than three standard deviations, the gateway has
-- changed, and only they count. What the payer gave up or the merchant asked wrongly does not count against a gateway.
-- Returns how many gateways' rates changed.
-- Locks: gateway_states rows that change, skip locked.
create or replace function public.refresh_success_rates(p_since interval default '2 minutes') returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_count integer;
begin
  with outcomes as (
    select recent.gateway_id, o.method, (o.status = 'succeeded')::integer as is_success, o.n
      from (select distinct gateway_id from public.payment_attempts where settled_at > now() - p_since) recent
      cross join lateral (
        select a.status, series.method,
            row_number() over (partition by series.method order by a.settled_at desc) as n
          from (select x.status, x.method, x.settled_at from public.payment_attempts x
            where x.gateway_id = recent.gateway_id and x.settled_at is not null and x.status in ('succeeded', 'failed')
              and coalesce(x.error_code, '') not in ('cancelled_by_payer', 'payer_timed_out', 'invalid_request')
            order by x.settled_at desc limit 500) a
          -- each outcome counts for the gateway ('') and for its method
          cross join lateral (values (''), (nullif(a.method, ''))) series (method)
          where series.method is not null
      ) o
      where o.n <= 125
  ), counted as (
    select gateway_id, method, count(*) as n, sum(is_success) as successes,
        count(*) filter (where n <= 10) as n10, sum(is_success) filter (where n <= 10) as s10,
        count(*) filter (where n <= 25) as n25, sum(is_success) filter (where n <= 25) as s25
      from outcomes group by 1, 2
  ), windowed as (
    select gateway_id, method,
        case when public.has_changed(s10, n10, successes, n) then n10 when public.has_changed(s25, n25, successes, n) then n25 else n end as n,
        case when public.has_changed(s10, n10, successes, n) then s10 when public.has_changed(s25, n25, successes, n) then s25 else successes end as successes
      from counted
  ), measured as (
    select gateway_id,
        max(round(100.0 * (5 + successes) / (5 + n), 2)) filter (where method = '') as rate,
        max(n) filter (where method = '') as n,
        coalesce(jsonb_object_agg(method, jsonb_build_object('rate', round(100.0 * (5 + successes) / (5 + n), 2), 'outcomes', n))
          filter (where method <> ''), '{}') as methods
      from windowed group by 1
  ), locked as (
    select m.* from public.gateway_states s join measured m using (gateway_id)
      where (s.success_rate, s.outcomes, s.method_rates) is distinct from (m.rate, m.n, m.methods)
      for update of s skip locked
  )
  update public.gateway_states s set success_rate = locked.rate, outcomes = locked.n, method_rates = locked.methods
    from locked where s.gateway_id = locked.gateway_id;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
revoke all on function public.refresh_success_rates from public;
grant execute on function public.refresh_success_rates to jobs;
