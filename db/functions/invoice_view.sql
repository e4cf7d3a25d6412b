-- An invoice or credit note as it is printed, from rows that never change.
create or replace function public.invoice_view(p_invoice_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('id', i.id, 'kind', i.kind, 'client_id', i.client_id, 'document_no', i.document_no, 'issued_on', i.issued_on,
      'month', i.month, 'supplier', i.supplier, 'recipient', i.recipient, 'sac', i.sac, 'place_of_supply', i.place_of_supply,
      'taxable_amount', i.taxable_amount, 'cgst', i.cgst, 'sgst', i.sgst, 'igst', i.igst, 'total', i.total,
      'is_interstate', i.place_of_supply <> left(i.supplier ->> 'gstin', 2),
      'credits', case when c.id is not null then jsonb_build_object('document_no', c.document_no, 'issued_on', c.issued_on, 'month', c.month) end,
      'lines', (select jsonb_agg(to_jsonb(l) - 'invoice_id' order by l.line_no) from public.invoice_lines l where l.invoice_id = i.id),
      'account', jsonb_build_object('opening_balance', p.opening_balance, 'charged', p.charged, 'reversed', p.reversed,
        'settled', p.settled, 'adjusted', p.adjusted, 'closing_balance', p.closing_balance))
    from public.invoices i
    join public.billing_periods p on p.client_id = i.client_id and p.month = i.month
    left join public.invoices c on c.id = i.credited_invoice_id
    where i.id = p_invoice_id
$$;
revoke all on function public.invoice_view from public;
grant execute on function public.invoice_view to jobs;
