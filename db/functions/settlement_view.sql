-- A settlement as the studio shows it.
create or replace function public.settlement_view(s public.settlements) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('id', s.id, 'client_id', s.client_id, 'company_name', c.company_name, 'gateway_id', s.gateway_id,
      'gateway_name', g.name, 'provider', g.provider, 'psp_settlement_id', s.psp_settlement_id, 'currency', s.currency, 'utr', s.utr,
      'settled_on', s.settled_on, 'line_count', s.line_count, 'matched_count', s.matched_count, 'payment_count', s.payment_count,
      'refund_count', s.refund_count, 'payment_amount', s.payment_amount, 'refund_amount', s.refund_amount,
      'other_amount', s.other_amount, 'fee', s.fee, 'tax', s.tax, 'net', s.net)
    from public.clients c join public.payment_gateways g on g.id = s.gateway_id
    where c.id = s.client_id
$$;
revoke all on function public.settlement_view from public;
