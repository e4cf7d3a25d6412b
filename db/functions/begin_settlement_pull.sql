-- What a worker needs to pull a gateway's settlement report: {gateway, asked_at, days: [{day, is_final}]}. The days begin behind
-- the last final one (at first with the day of the first payment, and no more than 30 days back) and end today, 31 at most; a day
-- is final twelve hours after its end in Asia/Kolkata, as PSPs still write its report for some hours. Null: no such gateway.
create or replace function public.begin_settlement_pull(p_gateway_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('gateway', public.sealed_gateway(g), 'asked_at', public.iso_time(now()),
      'days', (select jsonb_agg(jsonb_build_object('day', to_char(d, 'YYYY-MM-DD'),
          'is_final', now() >= (d + interval '36 hours') at time zone 'Asia/Kolkata') order by d)
        from generate_series(first.day::timestamp, least(today.day, first.day + 30)::timestamp, interval '1 day') d))
    from public.payment_gateways g
    left join public.settlement_accounts s on s.gateway_id = g.id
    cross join lateral (select (now() at time zone 'Asia/Kolkata')::date as day) today
    cross join lateral (
      select coalesce(s.pulled_to + 1, greatest(today.day - 30, (
        select (a.settled_at at time zone 'Asia/Kolkata')::date from public.payment_attempts a
          where a.gateway_id = g.id and a.settled_at is not null order by a.settled_at limit 1)), today.day) as day
    ) first
    where g.id = p_gateway_id
$$;
revoke all on function public.begin_settlement_pull from public;
grant execute on function public.begin_settlement_pull to jobs;
