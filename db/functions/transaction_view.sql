-- A transaction as merchants see it: the body of GET /transaction/:id, of the status stream and of events. `error` and
-- `late` are there only when they apply.
create or replace function public.transaction_view(t public.transactions) returns jsonb
language sql stable set search_path = '' as $$
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
$$;
revoke all on function public.transaction_view from public;
