-- A refund as merchants see it: the answer of POST and GET /refund and the data of refund events. One that the PSP may or
-- may not have is pending to them.
create or replace function public.refund_view(r public.refunds) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object(
      'refund_id', r.id,
      'transaction_id', r.transaction_id,
      'order_id', (select t.order_id from public.transactions t where t.id = r.transaction_id),
      'amount', r.amount,
      'currency', r.currency,
      'status', case when r.status in ('succeeded', 'failed') then r.status else 'pending' end,
      'kind', r.kind,
      'reason', r.reason,
      'bank_reference', r.bank_reference,
      'created_at', public.iso_time(r.created_at),
      'completed_at', public.iso_time(r.completed_at))
    || case when r.error_code is null then '{}'
      else jsonb_build_object('error', jsonb_build_object('code', r.error_code, 'message', r.error_message)) end
$$;
revoke all on function public.refund_view from public;
