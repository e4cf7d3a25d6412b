-- A transaction as merchants see it: the body of GET /transaction/:id, of the status stream and of events. `error`, `late` and
-- `disputes` are there only when they apply.
create or replace function public.transaction_view(t public.transactions) returns jsonb
language sql stable as $$
  select jsonb_build_object(
      'transaction_id', t.id,
      'order_id', t.order_id,
      'status', t.status,
      'amount', t.amount,
      'amount_refunded', t.amount_refunded,
      'currency', t.currency,
      'provider', (select g.provider from public.payment_gateways g where g.id = t.gateway_id),
      'method', t.method,
      'created_at', public.iso_time(t.created_at),
      'paid_at', public.iso_time(t.paid_at),
      'expires_at', public.iso_time(t.expires_at))
    || case when t.error_code is null then '{}'
      else jsonb_build_object('error', jsonb_build_object('code', t.error_code, 'message', t.error_message)) end
    || case when t.is_late then '{"late": true}' else '{}' end::jsonb
    -- a payment that is being paid at this moment has none yet
    || case when t.paid_at < now() then coalesce((select jsonb_build_object('disputes', jsonb_agg(public.dispute_view(d) order by d.id))
      from public.disputes d where d.transaction_id = t.id having count(*) > 0), '{}') else '{}' end
$$;
revoke all on function public.transaction_view from public;
