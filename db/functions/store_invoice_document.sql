-- Keeps the PDF of an invoice, once: the same bytes again are nothing new, other bytes are refused.
-- Errors: LS088 no_such_invoice, LS087 document_differs.
create or replace function public.store_invoice_document(p_invoice_id uuid, p_layout integer, p_pdf bytea) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_sha256 text;
begin
  if not exists (select from public.invoices where id = p_invoice_id) then
    raise exception using errcode = 'LS088', message = 'no such invoice', detail = coalesce(p_invoice_id::text, 'null');
  end if;
  insert into public.invoice_documents (invoice_id, layout, pdf) values (p_invoice_id, p_layout, p_pdf)
    on conflict on constraint invoice_documents_pkey do nothing;
  select sha256 into strict v_sha256 from public.invoice_documents where invoice_id = p_invoice_id;
  if v_sha256 <> encode(sha256(p_pdf), 'hex') then
    raise exception using errcode = 'LS087', message = 'this invoice has another document', detail = p_invoice_id::text,
      hint = 'The document that is kept stays. Look for what changed in the renderer.';
  end if;
  return v_sha256;
end
$$;
revoke all on function public.store_invoice_document from public;
grant execute on function public.store_invoice_document to jobs;
