-- One exception with its line, the other lines of the same payment, and what changes were made to it, for the studio.
-- Errors: LS250 no_such_exception.
create or replace function public.read_exception(p_exception_id uuid) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  e public.reconciliation_exceptions;
begin
  select * into e from public.reconciliation_exceptions where id = p_exception_id;
  if not found then
    raise exception using errcode = 'LS250', message = 'no such difference', detail = coalesce(p_exception_id::text, 'null');
  end if;
  return public.exception_view(e) || jsonb_build_object(
    'line', (select public.settlement_line_view(l) from public.settlement_lines l where l.id = e.line_id),
    'other_lines', (select coalesce(jsonb_agg(public.settlement_line_view(o) order by o.id), '[]')
      from (select l.* from public.settlement_lines l where l.attempt_id = e.attempt_id and l.id is distinct from e.line_id
        order by l.id limit 20) o),
    'payment', (select jsonb_build_object('transaction_id', t.id, 'order_id', t.order_id, 'status', t.status, 'attempt_status', a.status,
        'amount', coalesce(a.payable_amount, a.amount), 'currency', t.currency, 'method', a.method, 'psp_order_id', a.psp_order_id,
        'psp_payment_id', a.psp_payment_id, 'psp_fee', a.psp_fee, 'paid_at', public.iso_time(t.paid_at))
      from public.payment_attempts a join public.transactions t on t.id = a.transaction_id where a.id = e.attempt_id),
    'refund', (select jsonb_build_object('id', r.id, 'status', r.status, 'amount', r.amount, 'psp_refund_id', r.psp_refund_id,
        'created_at', public.iso_time(r.created_at)) from public.refunds r where r.id = e.refund_id));
end
$$;
revoke all on function public.read_exception from public;
grant execute on function public.read_exception to studio;
