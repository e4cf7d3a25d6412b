-- A line of a settlement report as the studio shows it, with the order it belongs to.
create or replace function public.settlement_line_view(l public.settlement_lines) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('id', l.id, 'settlement_id', l.settlement_id, 'kind', l.kind, 'psp_kind', l.psp_kind, 'psp_id', l.psp_id,
      'psp_payment_id', l.psp_payment_id, 'psp_order_id', l.psp_order_id, 'reference', l.reference, 'amount', l.amount,
      'credit', l.credit, 'debit', l.debit, 'fee', l.fee, 'tax', l.tax, 'currency', l.currency, 'method', l.method, 'utr', l.utr,
      'settled_at', public.iso_time(l.settled_at), 'status', l.status, 'attempt_id', l.attempt_id, 'refund_id', l.refund_id,
      'transaction_id', t.transaction_id, 'order_id', t.order_id, 'details', l.details, 'earlier', l.earlier,
      'open_exceptions', (select coalesce(jsonb_agg(jsonb_build_object('id', e.id, 'kind', e.kind) order by e.kind), '[]')
        from public.reconciliation_exceptions e where e.line_id = l.id and e.status = 'open'))
    from (select) one
    left join lateral (select a.transaction_id, x.order_id from public.payment_attempts a
      join public.transactions x on x.id = a.transaction_id where a.id = l.attempt_id) t on true
$$;
revoke all on function public.settlement_line_view from public;
