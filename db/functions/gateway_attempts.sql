-- How one merchant's attempts that ended within a period went, by gateway and method ('' = not known). Paise; columns as provider_days.
-- Reads that merchant's attempts by payment_attempts_gateway_id_settled_at_idx.
create or replace function reports.gateway_attempts(p_from date, p_to date, p_client_id uuid)
returns table (gateway_id uuid, gateway text, provider text, method text, succeeded bigint, failed bigint, undecided bigint, volume bigint,
  stated_fees bigint, stated_fees_volume bigint)
language sql stable security definer rows 100 set search_path = ''
set enable_seqscan = off set enable_mergejoin = off as $$
  select g.id, g.name, g.provider, coalesce(a.method, ''),
      count(*) filter (where d.is_decided and a.status = 'succeeded'),
      count(*) filter (where d.is_decided and a.status = 'failed'),
      count(*) filter (where not d.is_decided),
      coalesce(sum(a.amount) filter (where a.status = 'succeeded' and t.currency = 'INR'), 0)::bigint,
      coalesce(sum(a.psp_fee) filter (where a.status = 'succeeded' and t.currency = 'INR'), 0)::bigint,
      coalesce(sum(a.amount) filter (where a.status = 'succeeded' and t.currency = 'INR' and a.psp_fee is not null), 0)::bigint
    from public.payment_gateways g
    join public.payment_attempts a on a.gateway_id = g.id
      and a.settled_at >= p_from::timestamp at time zone 'Asia/Kolkata' and a.settled_at < (p_to + 1)::timestamp at time zone 'Asia/Kolkata'
    join public.transactions t on t.id = a.transaction_id
    cross join lateral (select public.is_decided(a.status, a.error_code) as is_decided) d
    where g.client_id = p_client_id
    group by 1, 2, 3, 4
$$;
revoke all on function reports.gateway_attempts from public;
grant execute on function reports.gateway_attempts to finance;
