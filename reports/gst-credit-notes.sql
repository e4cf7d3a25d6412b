-- purpose: GSTR-1 table 9B (CDNR, CDNUR): credit notes to registered merchants, and those on invoices of table 5.
-- parameters: from, to (dates of the documents, both counted), client (optional: of one merchant only)
-- columns: section (CDNR: to registered recipients; CDNUR: on invoices of table 5); gstin and receiver; note_no; note_date; note_type
--   (C: credit); credited_invoice_no and credited_invoice_date; note_value (with taxes); place_of_supply (state code); rate_percent;
--   taxable_value; igst; cgst; sgst
-- units: amounts in paise, positive as the return wants them. Credit notes to other merchants are within gst-b2cs
\ir parameters.psql
select upper(gstr1_table) as section, recipient_gstin as gstin, recipient as receiver, document_no as note_no, issued_on as note_date,
    'C' as note_type, credited_no as credited_invoice_no, credited_on as credited_invoice_date, -document_total as note_value_paise,
    place_of_supply, gst_percent as rate_percent, -taxable_amount as taxable_value_paise, -igst as igst_paise, -cgst as cgst_paise,
    -sgst as sgst_paise
  from reports.gst_documents
  where issued_on between :'from'::date and :'to'::date and gstr1_table in ('cdnr', 'cdnur')
    and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
  order by financial_year, number, gst_percent;
