-- purpose: What differs between providers' reports and our books, one by one: what to ask whom about.
-- parameters: from, to (days of Asia/Kolkata on which it was found, both counted), client (optional: of one merchant only)
-- columns: exception_id; opened_on; open_days (until it was resolved, or today); merchant; provider; gateway; kind; expected (by our books);
--   stated (by the provider); difference (stated less expected); status; owner; resolution and resolution_reason; psp_id; utr
-- units: amounts in paise
\ir parameters.psql
select e.exception_id, e.opened_on, coalesce(e.resolved_on, (now() at time zone 'Asia/Kolkata')::date) - e.opened_on as open_days,
    m.company_name as merchant, e.provider, e.gateway, e.kind, e.expected as expected_paise, e.stated as stated_paise,
    coalesce(e.stated, 0) - coalesce(e.expected, 0) as difference_paise, e.status, e.owner, e.resolution, e.resolution_reason, e.psp_id, e.utr
  from reports.reconciliation_exceptions e join reports.merchants m on m.client_id = e.client_id
  where e.opened_on between :'from'::date and :'to'::date
    and (nullif(:'client', '')::uuid is null or e.client_id = nullif(:'client', '')::uuid)
  order by e.opened_on, e.exception_id;
