-- purpose: GST of a period on one page: what goes into each table of GSTR-1, and the whole that is due.
-- parameters: from, to (dates of the documents, both counted), client (optional: of one merchant only)
-- columns: section (4A B2B, 5 B2CL, 7 B2CS, 9B CDNR, 9B CDNUR, and the total); documents; taxable_value; igst; cgst; sgst; tax; value
--   (with taxes)
-- units: amounts in paise, credit notes negative. Each section's lines are in gst-b2b, gst-b2cl, gst-b2cs and gst-credit-notes
\ir parameters.psql
with documents as (
  select gstr1_table, count(distinct invoice_id) as documents, sum(taxable_amount) as taxable, sum(igst) as igst, sum(cgst) as cgst, sum(sgst) as sgst
    from reports.gst_documents
    where issued_on between :'from'::date and :'to'::date
      and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
    group by 1
)
select s.section, coalesce(sum(d.documents), 0) as documents, coalesce(sum(d.taxable), 0)::bigint as taxable_value_paise,
    coalesce(sum(d.igst), 0)::bigint as igst_paise, coalesce(sum(d.cgst), 0)::bigint as cgst_paise, coalesce(sum(d.sgst), 0)::bigint as sgst_paise,
    coalesce(sum(d.igst + d.cgst + d.sgst), 0)::bigint as tax_paise,
    coalesce(sum(d.taxable + d.igst + d.cgst + d.sgst), 0)::bigint as value_paise
  from (values (1, '4A B2B', 'b2b'), (2, '5 B2CL', 'b2cl'), (3, '7 B2CS', 'b2cs'), (4, '9B CDNR', 'cdnr'), (5, '9B CDNUR', 'cdnur'),
    (6, 'total', null)) s (place, section, gstr1_table)
  left join documents d on d.gstr1_table = s.gstr1_table or s.gstr1_table is null
  group by s.place, s.section
  order by s.place;
