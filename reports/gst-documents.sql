-- purpose: GSTR-1 table 13 (documents issued): the numbers that were given, by series.
-- parameters: from, to (dates of the documents, both counted), client (optional: of one merchant only)
-- columns: nature (of the document); financial_year; from_no; to_no; total; cancelled (0: a document is corrected by another one);
--   net_issued
-- units: counts. Numbers have no gaps, so total is the last less the first, plus one (for all merchants together)
\ir parameters.psql
select case kind when 'invoice' then 'Invoices for outward supply' else 'Credit Note' end as nature, financial_year,
    (array_agg(document_no order by number))[1] as from_no, (array_agg(document_no order by number desc))[1] as to_no, count(*) as total,
    0 as cancelled, count(*) as net_issued
  from (
    select distinct kind, financial_year, number, document_no from reports.gst_documents
      where issued_on between :'from'::date and :'to'::date
        and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
  ) d
  group by kind, financial_year
  order by kind desc, financial_year;
