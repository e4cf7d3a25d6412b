-- How attempts went that ended within a time, a day (Asia/Kolkata), provider and method ('' = not known). Paise. The one definition of
-- these figures, for closed days (close_report_days) and open ones.
-- Reads the attempts of that time by payment_attempts_settled_at_idx.
create or replace function public.provider_figures(p_since timestamptz, p_until timestamptz) returns setof public.provider_days
language sql stable security definer rows 100 set search_path = ''
set enable_seqscan = off set enable_mergejoin = off as $$
  select (a.settled_at at time zone 'Asia/Kolkata')::date, g.provider, coalesce(a.method, ''),
      count(*) filter (where d.is_decided and a.status = 'succeeded')::integer,
      count(*) filter (where d.is_decided and a.status = 'failed')::integer,
      count(*) filter (where not d.is_decided)::integer,
      coalesce(sum(a.amount) filter (where a.status = 'succeeded' and t.currency = 'INR'), 0)::bigint,
      coalesce(sum(a.psp_fee) filter (where a.status = 'succeeded' and t.currency = 'INR'), 0)::bigint,
      coalesce(sum(a.amount) filter (where a.status = 'succeeded' and t.currency = 'INR' and a.psp_fee is not null), 0)::bigint
    from public.payment_attempts a
    join public.payment_gateways g on g.id = a.gateway_id
    join public.transactions t on t.id = a.transaction_id
    cross join lateral (select public.is_decided(a.status, a.error_code) as is_decided) d
    where a.settled_at >= p_since and a.settled_at < p_until
    group by 1, 2, 3
$$;
revoke all on function public.provider_figures from public;
