-- An exception as the studio shows it, with the names of what it is about.
create or replace function public.exception_view(e public.reconciliation_exceptions) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('id', e.id, 'kind', e.kind, 'status', e.status, 'client_id', e.client_id, 'company_name', c.company_name,
      'gateway_id', e.gateway_id, 'gateway_name', g.name, 'provider', g.provider, 'line_id', e.line_id,
      'settlement_id', l.settlement_id, 'psp_settlement_id', s.psp_settlement_id, 'line_kind', l.kind, 'psp_id', l.psp_id, 'currency', coalesce(l.currency, t.currency),
      'attempt_id', e.attempt_id, 'transaction_id', t.id, 'order_id', t.order_id, 'refund_id', e.refund_id,
      'expected', e.expected, 'stated', e.stated, 'details', e.details, 'owner', e.owner, 'note', e.note,
      'opened_at', public.iso_time(e.opened_at), 'resolution', e.resolution, 'resolution_reason', e.resolution_reason,
      'resolved_by', e.resolved_by, 'resolved_at', public.iso_time(e.resolved_at))
    from public.clients c
    join public.payment_gateways g on g.id = e.gateway_id
    left join public.settlement_lines l on l.id = e.line_id
    left join public.settlements s on s.id = l.settlement_id
    left join public.payment_attempts a on a.id = e.attempt_id
    left join public.transactions t on t.id = a.transaction_id
    where c.id = e.client_id
$$;
revoke all on function public.exception_view from public;
