-- purpose: GSTR-1 table 12 (HSN/SAC summary): what was supplied by services code and rate, to registered merchants and to others.
-- parameters: from, to (dates of the documents, both counted), client (optional: of one merchant only)
-- columns: supplied_to (B2B, B2C); sac; unit (NA: services have none); quantity (0); rate_percent; total_value (with taxes);
--   taxable_value; igst; cgst; sgst
-- units: amounts in paise, less credit notes
\ir parameters.psql
select case when recipient_gstin is null then 'B2C' else 'B2B' end as supplied_to, sac, 'NA' as unit, 0 as quantity,
    gst_percent as rate_percent, sum(taxable_amount + igst + cgst + sgst)::bigint as total_value_paise, sum(taxable_amount)::bigint as taxable_value_paise,
    sum(igst)::bigint as igst_paise, sum(cgst)::bigint as cgst_paise, sum(sgst)::bigint as sgst_paise
  from reports.gst_documents
  where issued_on between :'from'::date and :'to'::date
    and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
  group by recipient_gstin is null, sac, gst_percent
  order by 1, sac, gst_percent;
