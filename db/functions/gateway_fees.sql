-- What PSPs have kept, for some gateways: [{gateway_id, payments, volume, fee (GST included), tax, effective_percent (of the
-- volume, GST included; null without volume)}] of the settlements of the last p_days days, in paise. Sums settlements, of which a
-- gateway has one or two a day.
create or replace function public.gateway_fees(p_gateway_ids uuid[], p_days integer default 30) returns setof jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('gateway_id', s.gateway_id, 'payments', sum(s.payment_count), 'volume', sum(s.payment_amount),
      'fee', sum(s.fee), 'tax', sum(s.tax),
      'effective_percent', round(sum(s.fee) * 100 / nullif(sum(s.payment_amount), 0), 3))
    from public.settlements s
    where s.gateway_id = any(p_gateway_ids) and s.currency = 'INR'
      and s.settled_on > (now() at time zone 'Asia/Kolkata')::date - p_days
    group by s.gateway_id
$$;
revoke all on function public.gateway_fees from public;
grant execute on function public.gateway_fees to studio;
