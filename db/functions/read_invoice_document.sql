-- The kept PDF of an invoice; null columns while it is being drawn.
-- Errors: LS088 no_such_invoice.
create or replace function public.read_invoice_document(p_invoice_id uuid)
returns table (document_no text, sha256 text, pdf bytea)
language plpgsql stable security definer set search_path = '' as $$
begin
  return query
    select i.document_no, d.sha256, d.pdf
      from public.invoices i left join public.invoice_documents d on d.invoice_id = i.id
      where i.id = p_invoice_id;
  if not found then
    raise exception using errcode = 'LS088', message = 'no such invoice', detail = coalesce(p_invoice_id::text, 'null');
  end if;
end
$$;
revoke all on function public.read_invoice_document from public;
grant execute on function public.read_invoice_document to jobs, studio;
