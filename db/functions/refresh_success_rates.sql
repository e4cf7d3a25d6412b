-- Sets the success rate of gateways that settled something in the last p_since: share of successes among their last 125
-- settled attempts, with 5 successes assumed beforehand so that one failure does not empty a new gateway. What the payer
-- gave up or the merchant asked wrongly does not count against a gateway. Returns how many rates changed.
-- Locks: gateway_states rows that change, skip locked.
create or replace function public.refresh_success_rates(p_since interval default '2 minutes') returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_count integer;
begin
  with measured as (
    select recent.gateway_id, round(100.0 * (5 + w.successes) / (5 + w.outcomes), 2) as rate
      from (select distinct gateway_id from public.payment_attempts where settled_at > now() - p_since) recent
      cross join lateral (
        select count(*) filter (where status = 'succeeded') as successes, count(*) as outcomes from (
          select status from public.payment_attempts a
            where a.gateway_id = recent.gateway_id and a.settled_at is not null and a.status in ('succeeded', 'failed')
              and coalesce(a.error_code, '') not in ('cancelled_by_payer', 'payer_timed_out', 'invalid_request')
            order by a.settled_at desc limit 125) last_outcomes
        ) w
  ), locked as (
    select s.gateway_id, m.rate from public.gateway_states s join measured m using (gateway_id)
      where s.success_rate <> m.rate for update of s skip locked
  )
  update public.gateway_states s set success_rate = locked.rate from locked where s.gateway_id = locked.gateway_id;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
revoke all on function public.refresh_success_rates from public;
grant execute on function public.refresh_success_rates to jobs;
