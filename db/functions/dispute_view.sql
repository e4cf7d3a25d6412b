-- A dispute as merchants see it: in its transaction, and the data of dispute events.
create or replace function public.dispute_view(d public.disputes) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object(
      'dispute_id', d.id,
      'transaction_id', d.transaction_id,
      'order_id', (select t.order_id from public.transactions t where t.id = d.transaction_id),
      'status', d.status,
      'phase', d.phase,
      'amount', d.amount,
      'currency', d.currency,
      'reason_code', d.reason_code,
      'reason', d.reason,
      'provider_dispute_id', d.psp_dispute_id,
      'respond_by', public.iso_time(d.respond_by),
      'opened_at', public.iso_time(d.opened_at),
      'closed_at', public.iso_time(d.closed_at))
$$;
revoke all on function public.dispute_view from public;
