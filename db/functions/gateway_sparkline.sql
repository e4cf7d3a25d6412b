-- The success of a gateway's newest payments: percent of five after five, at most twelve, oldest first. What the payer gave
-- up or the merchant asked wrongly does not count, as in refresh_success_rates. Reads at most 100 attempts by their index.
create or replace function public.gateway_sparkline(p_gateway_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(rate order by five desc), '[]') from (
    select five, round(100 * avg(is_success)) as rate from (
        select (status = 'succeeded')::integer as is_success, (row_number() over (order by settled_at desc) - 1) / 5 as five
          from (select a.status, a.error_code, a.settled_at from public.payment_attempts a
            where a.gateway_id = p_gateway_id and a.settled_at is not null
            order by a.settled_at desc limit 100) newest
          where status in ('succeeded', 'failed')
            and coalesce(error_code, '') not in ('cancelled_by_payer', 'payer_timed_out', 'invalid_request')
      ) counted
      where five < 12
      group by five) points
$$;
revoke all on function public.gateway_sparkline from public;
