-- purpose: GSTR-1 table 5 (B2CL): invoices of more than one lakh rupees to merchants without GSTIN in another state.
-- parameters: from, to (dates of the documents, both counted), client (optional: of one merchant only)
-- columns: invoice_no; invoice_date; invoice_value (with taxes); place_of_supply (state code); rate_percent; taxable_value; igst
-- units: amounts in paise
\ir parameters.psql
select document_no as invoice_no, issued_on as invoice_date, document_total as invoice_value_paise, place_of_supply,
    gst_percent as rate_percent, taxable_amount as taxable_value_paise, igst as igst_paise
  from reports.gst_documents
  where issued_on between :'from'::date and :'to'::date and gstr1_table = 'b2cl'
    and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
  order by financial_year, number, gst_percent;
