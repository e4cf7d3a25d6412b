-- purpose: GSTR-1 table 4A (B2B): invoices to registered merchants, one line an invoice and rate.
-- parameters: from, to (dates of the documents, both counted), client (optional: of one merchant only)
-- columns: gstin and receiver (of the recipient); invoice_no; invoice_date; invoice_value (with taxes); place_of_supply (state code);
--   reverse_charge; invoice_type; rate_percent; taxable_value; igst; cgst; sgst
-- units: amounts in paise
\ir parameters.psql
select recipient_gstin as gstin, recipient as receiver, document_no as invoice_no, issued_on as invoice_date,
    document_total as invoice_value_paise, place_of_supply, 'N' as reverse_charge, 'Regular B2B' as invoice_type, gst_percent as rate_percent,
    taxable_amount as taxable_value_paise, igst as igst_paise, cgst as cgst_paise, sgst as sgst_paise
  from reports.gst_documents
  where issued_on between :'from'::date and :'to'::date and gstr1_table = 'b2b'
    and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
  order by financial_year, number, gst_percent;
