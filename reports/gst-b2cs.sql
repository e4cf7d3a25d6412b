-- purpose: GSTR-1 table 7 (B2CS): all other supplies to merchants without GSTIN, by state and rate, less their credit notes.
-- parameters: from, to (dates of the documents, both counted), client (optional: of one merchant only)
-- columns: type (OE: not through an e-commerce operator); place_of_supply (state code); rate_percent; taxable_value; igst; cgst; sgst
-- units: amounts in paise; negative where more was credited than invoiced
\ir parameters.psql
select 'OE' as type, place_of_supply, gst_percent as rate_percent, sum(taxable_amount)::bigint as taxable_value_paise,
    sum(igst)::bigint as igst_paise, sum(cgst)::bigint as cgst_paise, sum(sgst)::bigint as sgst_paise
  from reports.gst_documents
  where issued_on between :'from'::date and :'to'::date and gstr1_table = 'b2cs'
    and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
  group by place_of_supply, gst_percent
  order by place_of_supply, gst_percent;
