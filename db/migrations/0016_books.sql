-- Books for finance: who we are on paper, settlements and adjustments by hand, the months of a wallet that are closed, and
-- the invoices and credit notes made of them. Money is bigint paise.

-- The company that sends the invoices: one row. Null = not filled in yet.
create table public.company_profile (
  id integer constraint company_profile_pkey primary key default 1
    constraint company_profile_id_check check (id = 1),
  legal_name text constraint company_profile_legal_name_check check (length(legal_name) between 1 and 200),
  address text constraint company_profile_address_check check (length(address) between 1 and 500),
  -- its first two digits are the supplier's state
  gstin text constraint company_profile_gstin_check check (gstin ~ '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]$'),
  email text constraint company_profile_email_check check (length(email) <= 200),
  phone text constraint company_profile_phone_check check (length(phone) <= 50),
  -- services accounting code of the commission; 997158: financial transactions processing and clearinghouse services
  sac text not null default '997158' constraint company_profile_sac_check check (sac ~ '^99[0-9]{2,4}$'),
  -- <prefix>/26-27/000001: sixteen characters are the most a number may have
  invoice_prefix text not null default 'LSP'
    constraint company_profile_invoice_prefix_check check (invoice_prefix ~ '^[A-Z0-9]{1,3}$'),
  credit_note_prefix text not null default 'LSC'
    constraint company_profile_credit_note_prefix_check check (credit_note_prefix ~ '^[A-Z0-9]{1,3}$'),
  upi_vpa text constraint company_profile_upi_vpa_check check (upi_vpa ~ '^[A-Za-z0-9._-]{2,255}@[A-Za-z][A-Za-z0-9]{1,63}$'),
  -- where to pay by bank transfer, as printed
  bank_account text constraint company_profile_bank_account_check check (length(bank_account) between 1 and 300),
  -- adjustments of one person for one merchant that add up to more than this within a day need a second person
  adjustment_limit bigint not null default 100000
    constraint company_profile_adjustment_limit_check check (adjustment_limit between 0 and 999999999999),
  updated_at timestamptz not null default now(),
  constraint company_profile_prefixes_check check (invoice_prefix <> credit_note_prefix)
);
insert into public.company_profile default values;

-- What finance saw come in by bank transfer, UPI or cheque.
create table public.manual_settlements (
  id uuid constraint manual_settlements_pkey primary key default uuidv7(),
  client_id uuid not null constraint manual_settlements_client_id_fkey references public.wallets (client_id),
  amount bigint not null constraint manual_settlements_amount_check check (amount between 1 and 999999999999999),
  -- UTR, cheque number: upper case, once a merchant
  reference text not null constraint manual_settlements_reference_check check (reference ~ '^[A-Z0-9][A-Z0-9 /._-]{2,63}$'),
  method text not null constraint manual_settlements_method_check
    check (method in ('bank_transfer', 'upi', 'cheque', 'cash', 'other')),
  received_on date not null,
  note text constraint manual_settlements_note_check check (length(note) <= 500),
  recorded_by text not null,
  entry_id uuid not null constraint manual_settlements_entry_id_key unique
    constraint manual_settlements_entry_id_fkey references public.wallet_entries (id),
  created_at timestamptz not null default now(),
  constraint manual_settlements_client_id_reference_key unique (client_id, reference)
);
create index manual_settlements_client_id_id_idx on public.manual_settlements (client_id, id);

create table public.adjustments (
  -- made by who asks, so that asking twice is one adjustment
  id uuid constraint adjustments_pkey primary key,
  client_id uuid not null constraint adjustments_client_id_fkey references public.wallets (client_id),
  -- positive raises what is due, negative lowers it
  amount bigint not null constraint adjustments_amount_check
    check (amount <> 0 and amount between -999999999999999 and 999999999999999),
  reason text not null constraint adjustments_reason_check check (length(reason) between 1 and 500),
  needs_second_person boolean not null,
  status text not null constraint adjustments_status_check check (status in ('proposed', 'approved', 'rejected', 'withdrawn')),
  proposed_by text not null,
  decided_by text,
  decided_at timestamptz,
  decision_reason text constraint adjustments_decision_reason_check check (length(decision_reason) <= 500),
  entry_id uuid constraint adjustments_entry_id_key unique
    constraint adjustments_entry_id_fkey references public.wallet_entries (id),
  created_at timestamptz not null default now(),
  constraint adjustments_entry_check check ((status = 'approved') = (entry_id is not null)),
  constraint adjustments_decided_check check ((status = 'proposed') = (decided_at is null)),
  -- the wall against approving one's own
  constraint adjustments_second_person_check
    check (status <> 'approved' or not needs_second_person or (decided_by is not null and decided_by <> proposed_by))
);
create index adjustments_client_id_id_idx on public.adjustments (client_id, created_at desc);
create index adjustments_proposed_idx on public.adjustments (client_id) where status = 'proposed';

-- Collections from merchants through a PSP's payouts: one a merchant and night.
create table public.payouts (
  id uuid constraint payouts_pkey primary key default uuidv7(),
  client_id uuid not null constraint payouts_client_id_fkey references public.wallets (client_id),
  collected_for date not null,
  amount bigint not null constraint payouts_amount_check check (amount > 0),
  provider text not null constraint payouts_provider_check check (provider ~ '^[a-z][a-z0-9_]{1,30}$'),
  status text not null default 'queued' constraint payouts_status_check
    check (status in ('queued', 'processing', 'processed', 'reversed', 'failed')),
  psp_payout_id text,
  bank_reference text,
  error_code text,
  error_message text,
  processed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint payouts_client_id_collected_for_key unique (client_id, collected_for),
  constraint payouts_processed_at_check check ((processed_at is not null) = (status in ('processed', 'reversed')))
);
create unique index payouts_provider_psp_payout_id_key on public.payouts (provider, psp_payout_id) where psp_payout_id is not null;
create index payouts_client_id_id_idx on public.payouts (client_id, id);

-- A month of a wallet, closed: the entries first_entry_no to last_entry_no. Each entry belongs to one closed month, by its
-- number, so that whatever clocks do none is invoiced twice or left out. A month without entries has no row.
create table public.billing_periods (
  client_id uuid not null constraint billing_periods_client_id_fkey references public.wallets (client_id),
  -- first day, Asia/Kolkata
  month date not null constraint billing_periods_month_check check (extract(day from month) = 1),
  first_entry_no bigint not null,
  last_entry_no bigint not null,
  opening_balance bigint not null,
  -- commission with its GST
  charged bigint not null,
  -- commission and GST taken back on refunds
  reversed bigint not null,
  settled bigint not null,
  adjusted bigint not null,
  closing_balance bigint not null,
  closed_at timestamptz not null default now(),
  constraint billing_periods_pkey primary key (client_id, month),
  constraint billing_periods_first_entry_no_key unique (client_id, first_entry_no),
  constraint billing_periods_entries_check check (first_entry_no between 1 and last_entry_no),
  constraint billing_periods_balance_check
    check (closing_balance = opening_balance + charged + reversed + settled + adjusted)
);

-- The last number given in a series; its row's lock puts the documents of all merchants in order.
create table public.document_series (
  kind text not null,
  -- April to March, as 26-27
  financial_year text not null constraint document_series_financial_year_check check (financial_year ~ '^[0-9]{2}-[0-9]{2}$'),
  last_number integer not null constraint document_series_last_number_check check (last_number between 1 and 999999),
  constraint document_series_pkey primary key (kind, financial_year)
);

-- Invoices and credit notes: all that is printed, frozen.
create table public.invoices (
  id uuid constraint invoices_pkey primary key default uuidv7(),
  kind text not null constraint invoices_kind_check check (kind in ('invoice', 'credit_note')),
  client_id uuid not null,
  month date not null,
  -- the invoice that a credit note belongs to
  credited_invoice_id uuid constraint invoices_credited_invoice_id_fkey references public.invoices (id),
  financial_year text not null,
  number integer not null constraint invoices_number_check check (number > 0),
  document_no text not null constraint invoices_document_no_key unique
    constraint invoices_document_no_check check (length(document_no) <= 16),
  -- Asia/Kolkata
  issued_on date not null,
  supplier jsonb not null,
  recipient jsonb not null,
  sac text not null,
  -- GST state code
  place_of_supply text not null constraint invoices_place_of_supply_check check (place_of_supply ~ '^[0-9]{2}$'),
  taxable_amount bigint not null constraint invoices_taxable_amount_check check (taxable_amount >= 0),
  cgst bigint not null constraint invoices_cgst_check check (cgst >= 0),
  sgst bigint not null constraint invoices_sgst_check check (sgst >= 0),
  igst bigint not null constraint invoices_igst_check check (igst >= 0),
  total bigint not null,
  created_at timestamptz not null default now(),
  constraint invoices_client_id_month_fkey foreign key (client_id, month) references public.billing_periods (client_id, month),
  constraint invoices_kind_financial_year_number_key unique (kind, financial_year, number),
  constraint invoices_credited_invoice_check check ((kind = 'credit_note') = (credited_invoice_id is not null)),
  constraint invoices_total_check check (total = taxable_amount + cgst + sgst + igst),
  -- within a state half goes to each; the odd paisa is CGST's
  constraint invoices_gst_check check ((igst = 0 and cgst - sgst in (0, 1)) or (cgst = 0 and sgst = 0))
);
-- one invoice a merchant and month, one credit note for each invoice that a month's refunds touch
create unique index invoices_client_id_month_key on public.invoices (client_id, month) where kind = 'invoice';
create unique index invoices_client_id_month_credited_invoice_id_key on public.invoices (client_id, month, credited_invoice_id)
  where kind = 'credit_note';
create index invoices_client_id_id_idx on public.invoices (client_id, id);

create table public.invoice_lines (
  invoice_id uuid not null constraint invoice_lines_invoice_id_fkey references public.invoices (id),
  line_no integer not null constraint invoice_lines_line_no_check check (line_no > 0),
  kind text not null constraint invoice_lines_kind_check check (kind in ('commission', 'reversal')),
  fee_percent numeric(6, 3) not null,
  gst_percent numeric(5, 2) not null,
  -- payments, or refunds
  quantity integer not null,
  -- paid or refunded
  volume bigint not null,
  taxable_amount bigint not null,
  cgst bigint not null,
  sgst bigint not null,
  igst bigint not null,
  constraint invoice_lines_pkey primary key (invoice_id, line_no)
);

-- The PDF as it was made, once.
create table public.invoice_documents (
  invoice_id uuid constraint invoice_documents_pkey primary key
    constraint invoice_documents_invoice_id_fkey references public.invoices (id),
  -- of the renderer; another one draws another page from the same data
  layout integer not null,
  pdf bytea not null constraint invoice_documents_pdf_check check (substring(pdf from 1 for 5) = '%PDF-'::bytea),
  sha256 text not null generated always as (encode(sha256(pdf), 'hex')) stored,
  created_at timestamptz not null default now()
);
-- PDFs of outlines do not compress; kept out of line as they are
alter table public.invoice_documents alter column pdf set storage external;

-- what is no booking of a payment: few rows, so payments do not pay for it
create index wallet_entries_by_hand_idx on public.wallet_entries (client_id, entry_no)
  where type in ('COMMISSION_PAYOUT', 'MANUAL_SETTLEMENT', 'ADJUSTMENT');

-- Invoices and credit notes (negative), paise, as a GST return wants them.
create view reports.vw_invoices as
  select i.document_no, i.kind, i.issued_on, i.month, i.client_id, i.recipient ->> 'name' as recipient,
      i.recipient ->> 'gstin' as recipient_gstin, i.place_of_supply, i.sac,
      s.sign * i.taxable_amount as taxable_amount, s.sign * i.cgst as cgst, s.sign * i.sgst as sgst, s.sign * i.igst as igst,
      s.sign * i.total as total, c.document_no as credited_invoice_no, c.issued_on as credited_invoice_issued_on
    from public.invoices i
    cross join lateral (select case i.kind when 'credit_note' then -1 else 1 end as sign) s
    left join public.invoices c on c.id = i.credited_invoice_id;
grant select on reports.vw_invoices to finance;
