-- Figures of closed days for the reports of finance, so that a month is read from thousands of rows where there are millions of
-- payments. close_report_days() alone writes them, when a day of Asia/Kolkata is over; the reports add what is not closed yet
-- from the rows themselves. Money is bigint paise.

-- entries of a time; they are written in its order, so it costs the next page of an index
create index wallet_entries_created_at_idx on public.wallet_entries (created_at);
create index invoices_issued_on_idx on public.invoices (issued_on);

-- Each closed day, also one on which nothing happened: closed days follow one another without gap.
create table public.report_days (
  day date constraint report_days_pkey primary key,
  closed_at timestamptz not null default now()
);

-- A day of a wallet with entries.
create table public.ledger_days (
  client_id uuid not null constraint ledger_days_client_id_fkey references public.wallets (client_id),
  day date not null,
  -- with a commission
  payments integer not null,
  -- what these payments came to; in INR only
  volume bigint not null,
  commission bigint not null,
  gst bigint not null,
  -- refunds and lost disputes that took commission back, and what they came to
  refunds integer not null,
  refunded bigint not null,
  -- zero or negative
  reversed bigint not null,
  gst_reversed bigint not null,
  -- through payouts and splits: negative when it lowered what is due
  collected bigint not null,
  -- recorded by hand
  settled bigint not null,
  adjusted bigint not null,
  -- of any other type
  others bigint not null,
  -- the sum of the entries that raised what is due, without payouts that came back
  raised bigint not null,
  closing_balance bigint not null,
  constraint ledger_days_pkey primary key (client_id, day)
);
create index ledger_days_day_idx on public.ledger_days (day);

-- The closed days of a month, added up.
create table public.ledger_months (
  client_id uuid not null constraint ledger_months_client_id_fkey references public.wallets (client_id),
  -- first day
  month date not null constraint ledger_months_month_check check (extract(day from month) = 1),
  payments integer not null,
  volume bigint not null,
  commission bigint not null,
  gst bigint not null,
  refunds integer not null,
  refunded bigint not null,
  reversed bigint not null,
  gst_reversed bigint not null,
  constraint ledger_months_pkey primary key (client_id, month)
);
create index ledger_months_month_idx on public.ledger_months (month);

-- Attempts that ended on a closed day, by provider and method. An attempt that failed may still succeed for some days, and then
-- moves to the day on which it did: the last days are written anew each night.
create table public.provider_days (
  day date not null,
  provider text not null,
  -- '' = not known
  method text not null,
  succeeded integer not null,
  failed integer not null,
  -- the payer gave up, or was asked for nothing that the gateway could do
  undecided integer not null,
  -- of those that succeeded; in INR only
  volume bigint not null,
  -- what the PSPs said that they keep, GST included, and of how much
  stated_fees bigint not null,
  stated_fees_volume bigint not null,
  constraint provider_days_pkey primary key (day, provider, method)
);
create index payouts_collected_for_idx on public.payouts (collected_for);

-- What finance reads beside functions. Columns as in the tables; open days are in open_ledger_days() and open_provider_days().
create view reports.merchants as
  select id as client_id, company_name, legal_name, gstin, state_code, status, created_at from public.clients;
create view reports.ledger_days as select * from public.ledger_days;
create view reports.ledger_months as select * from public.ledger_months;
create view reports.provider_days as select * from public.provider_days;
create view reports.payouts as
  select client_id, collected_for, amount, provider, status, error_code, processed_at, created_at from public.payouts;
create view reports.settlements as
  select s.client_id, s.gateway_id, g.provider, g.name as gateway, s.psp_settlement_id, s.currency, s.utr, s.settled_on, s.line_count, s.matched_count,
      s.payment_count, s.refund_count, s.payment_amount, s.refund_amount, s.other_amount, s.fee, s.tax, s.net
    from public.settlements s join public.payment_gateways g on g.id = s.gateway_id;
create view reports.reconciliation_exceptions as
  select e.id as exception_id, e.client_id, e.gateway_id, g.provider, g.name as gateway, e.kind, e.expected, e.stated, e.status, e.owner, e.note,
      (e.opened_at at time zone 'Asia/Kolkata')::date as opened_on, e.resolution, e.resolution_reason, e.resolved_by,
      (e.resolved_at at time zone 'Asia/Kolkata')::date as resolved_on, e.attempt_id, e.refund_id, l.psp_id, l.utr
    from public.reconciliation_exceptions e
    join public.payment_gateways g on g.id = e.gateway_id
    left join public.settlement_lines l on l.id = e.line_id;

-- What moved a wallet and is no payment's commission: few rows.
create view reports.entries_by_hand as
  select e.client_id, e.entry_no, (e.created_at at time zone 'Asia/Kolkata')::date as day, e.type, e.amount, e.description,
      s.reference, s.method, s.received_on
    from public.wallet_entries e
    left join public.manual_settlements s on s.entry_id = e.id
    where e.type in ('COMMISSION_PAYOUT', 'MANUAL_SETTLEMENT', 'ADJUSTMENT');

-- Documents by rate, credit notes negative, with the table of GSTR-1 that each belongs to.
create view reports.gst_documents as
  select i.id as invoice_id, i.kind, i.document_no, i.financial_year, i.number, i.issued_on, i.client_id, i.recipient ->> 'name' as recipient,
      i.recipient ->> 'gstin' as recipient_gstin, i.place_of_supply, i.sac, s.sign * i.total as document_total,
      l.gst_percent, s.sign * l.taxable_amount as taxable_amount, s.sign * l.cgst as cgst, s.sign * l.sgst as sgst,
      s.sign * l.igst as igst, c.document_no as credited_no, c.issued_on as credited_on,
      case
        when i.recipient ->> 'gstin' is not null then case i.kind when 'invoice' then 'b2b' else 'cdnr' end
        -- to unregistered recipients in another state, over one lakh rupees a document
        when coalesce(c.total, i.total) > 10000000 and coalesce(c.place_of_supply, i.place_of_supply) <> left(coalesce(c.supplier, i.supplier) ->> 'gstin', 2)
          then case i.kind when 'invoice' then 'b2cl' else 'cdnur' end
        else 'b2cs'
      end as gstr1_table
    from public.invoices i
    cross join lateral (select case i.kind when 'credit_note' then -1 else 1 end as sign) s
    join (
      select invoice_id, gst_percent, sum(taxable_amount)::bigint as taxable_amount, sum(cgst)::bigint as cgst, sum(sgst)::bigint as sgst,
          sum(igst)::bigint as igst
        from public.invoice_lines group by 1, 2
    ) l on l.invoice_id = i.id
    left join public.invoices c on c.id = i.credited_invoice_id;

grant select on all tables in schema reports to finance;
