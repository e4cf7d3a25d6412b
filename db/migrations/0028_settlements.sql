-- What PSPs say they have settled to their merchants: reports that were pulled or imported, the settlements and lines in
-- them, and what differs from our books (exceptions). Nothing in these tables changes a payment. Money is bigint paise.

-- How far a gateway's reports are known and were compared.
create table public.settlement_accounts (
  gateway_id uuid constraint settlement_accounts_pkey primary key,
  client_id uuid not null,
  -- reports are known for these days (Asia/Kolkata): asked for one by one, or up to the newest line of a file
  covered_from date,
  covered_to date,
  -- days up to it were pulled when nothing could be added to them any more
  pulled_to date,
  pulled_at timestamptz,
  -- null: nothing is pulled (the PSP offers no report to programs, or the gateway has no payments)
  next_pull_at timestamptz,
  -- since when every pull has failed, and what the PSP said
  failing_since timestamptz,
  last_error jsonb,
  -- payments and refunds settled with us up to then were looked for in the reports
  payments_judged_to timestamptz,
  refunds_judged_to timestamptz,
  -- calendar days after which a payment or refund must be in a report
  settlement_days integer not null default 5
    constraint settlement_accounts_settlement_days_check check (settlement_days between 0 and 60),
  constraint settlement_accounts_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id),
  constraint settlement_accounts_covered_check check ((covered_from is null) = (covered_to is null) and covered_from <= covered_to)
);
create index settlement_accounts_next_pull_at_idx on public.settlement_accounts (next_pull_at) where next_pull_at is not null;

-- What the PSP has agreed to keep. Without terms, a fee is compared with what the PSP stated when the payment was made.
create table public.gateway_fee_terms (
  gateway_id uuid not null,
  client_id uuid not null,
  -- upi, card, netbanking …, or any
  method text not null constraint gateway_fee_terms_method_check check (method ~ '^[a-z_]{2,30}$'),
  percent numeric(6, 3) not null constraint gateway_fee_terms_percent_check check (percent between 0 and 100),
  -- paise a payment
  fixed bigint not null default 0 constraint gateway_fee_terms_fixed_check check (fixed between 0 and 100000000),
  -- on both
  gst_percent numeric(5, 2) not null default 18 constraint gateway_fee_terms_gst_percent_check check (gst_percent between 0 and 100),
  set_by text not null,
  updated_at timestamptz not null default now(),
  constraint gateway_fee_terms_pkey primary key (gateway_id, method),
  constraint gateway_fee_terms_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id)
);

-- A pull or an import that has brought something.
create table public.settlement_reports (
  id uuid constraint settlement_reports_pkey primary key default uuidv7(),
  client_id uuid not null,
  gateway_id uuid not null,
  -- statement: credits of a bank statement, which for direct UPI are the settlement
  source text not null constraint settlement_reports_source_check check (source in ('pull', 'file', 'statement')),
  -- of a pull
  day date,
  file_name text constraint settlement_reports_file_name_check check (length(file_name) between 1 and 255),
  sha256 text constraint settlement_reports_sha256_check check (sha256 ~ '^[0-9a-f]{64}$'),
  line_count integer not null default 0,
  new_count integer not null default 0,
  -- lines of an earlier report that now say something else
  changed_count integer not null default 0,
  repeated_count integer not null default 0,
  unreadable_count integer not null default 0,
  imported_by text not null,
  created_at timestamptz not null default now(),
  constraint settlement_reports_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id),
  constraint settlement_reports_file_check check ((source = 'file') = (file_name is not null and sha256 is not null))
);
create index settlement_reports_gateway_id_id_idx on public.settlement_reports (gateway_id, id);

-- One transfer of a PSP to a merchant's bank account, the sum of its lines.
create table public.settlements (
  id uuid constraint settlements_pkey primary key default uuidv7(),
  client_id uuid not null,
  gateway_id uuid not null,
  -- the PSP's; where it states none, day:<date>
  psp_settlement_id text not null,
  currency text not null constraint settlements_currency_check check (currency ~ '^[A-Z]{3}$'),
  -- of the bank transfer
  utr text,
  -- Asia/Kolkata
  settled_on date not null,
  line_count integer not null default 0,
  -- lines that belong to a payment or refund of ours
  matched_count integer not null default 0,
  payment_count integer not null default 0,
  refund_count integer not null default 0,
  -- before fees
  payment_amount bigint not null default 0,
  refund_amount bigint not null default 0,
  -- credit less debit of what is neither payment nor refund
  other_amount bigint not null default 0,
  -- kept by the PSP, GST included, and that GST
  fee bigint not null default 0,
  tax bigint not null default 0,
  -- credit less debit of all lines: what the merchant's bank account got
  net bigint not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint settlements_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id),
  constraint settlements_gateway_id_psp_settlement_id_currency_key unique (gateway_id, psp_settlement_id, currency)
);
create index settlements_settled_on_id_idx on public.settlements (settled_on, id);
create index settlements_gateway_id_utr_idx on public.settlements (gateway_id, utr) where utr is not null;
create index settlements_gateway_id_settled_on_idx on public.settlements (gateway_id, settled_on, id);

create table public.settlement_lines (
  id uuid constraint settlement_lines_pkey primary key default uuidv7(),
  settlement_id uuid not null constraint settlement_lines_settlement_id_fkey references public.settlements (id),
  client_id uuid not null,
  gateway_id uuid not null,
  -- other: the PSP calls it something we do not know
  kind text not null constraint settlement_lines_kind_check check (kind in ('payment', 'refund', 'transfer', 'adjustment', 'other')),
  -- the PSP's own word for it
  psp_kind text,
  -- the PSP's id of what was settled
  psp_id text not null,
  -- counts the lines of one settlement about the same thing: a second one is no repetition of the report
  occurrence integer not null default 1,
  psp_payment_id text,
  psp_order_id text,
  -- ours, where the PSP states it
  reference text,
  amount bigint not null,
  -- towards the merchant, and from the merchant
  credit bigint not null constraint settlement_lines_credit_check check (credit >= 0),
  debit bigint not null constraint settlement_lines_debit_check check (debit >= 0),
  -- GST included, and that GST
  fee bigint not null,
  tax bigint not null,
  currency text not null,
  method text,
  utr text,
  settled_at timestamptz,
  -- open: nothing of ours fits. informative: neither payment nor refund, kept for the sum
  status text not null constraint settlement_lines_status_check check (status in ('matched', 'open', 'informative')),
  attempt_id uuid constraint settlement_lines_attempt_id_fkey references public.payment_attempts (id),
  refund_id uuid constraint settlement_lines_refund_id_fkey references public.refunds (id),
  -- what else the report says about it
  details jsonb not null default '{}',
  -- what earlier reports said, where a later one says something else
  earlier jsonb,
  -- the report that brought it
  report_id uuid not null constraint settlement_lines_report_id_fkey references public.settlement_reports (id),
  created_at timestamptz not null default now(),
  constraint settlement_lines_settlement_id_kind_psp_id_occurrence_key unique (settlement_id, kind, psp_id, occurrence),
  constraint settlement_lines_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id),
  -- a refund that we did not make may still name a payment of ours
  constraint settlement_lines_matched_check check (status <> 'matched' or coalesce(attempt_id, refund_id) is not null)
);
create index settlement_lines_attempt_id_idx on public.settlement_lines (attempt_id) where attempt_id is not null;
create index settlement_lines_refund_id_idx on public.settlement_lines (refund_id) where refund_id is not null;
create index settlement_lines_gateway_id_psp_payment_id_idx on public.settlement_lines (gateway_id, psp_payment_id)
  where psp_payment_id is not null;
create index settlement_lines_report_id_idx on public.settlement_lines (report_id);

create table public.reconciliation_exceptions (
  id uuid constraint reconciliation_exceptions_pkey primary key default uuidv7(),
  client_id uuid not null,
  gateway_id uuid not null,
  kind text not null constraint reconciliation_exceptions_kind_check
    check (kind in ('missing_with_us', 'missing_there', 'amount', 'fee', 'state', 'duplicate')),
  -- null where the report lacks what we have
  line_id uuid constraint reconciliation_exceptions_line_id_fkey references public.settlement_lines (id),
  attempt_id uuid constraint reconciliation_exceptions_attempt_id_fkey references public.payment_attempts (id),
  refund_id uuid constraint reconciliation_exceptions_refund_id_fkey references public.refunds (id),
  -- what our books lead one to expect and what the report states, paise; null = nothing
  expected bigint,
  stated bigint,
  details jsonb not null default '{}',
  status text not null default 'open' constraint reconciliation_exceptions_status_check check (status in ('open', 'resolved')),
  -- the person who looks after it
  owner text,
  note text constraint reconciliation_exceptions_note_check check (length(note) <= 1000),
  opened_at timestamptz not null default now(),
  -- explained: later reports or payments have explained it, by itself. The others are a person's.
  resolution text constraint reconciliation_exceptions_resolution_check
    check (resolution in ('explained', 'psp_corrects', 'corrected', 'accepted', 'not_ours')),
  resolution_reason text constraint reconciliation_exceptions_resolution_reason_check check (length(resolution_reason) between 1 and 1000),
  -- system where it resolved itself
  resolved_by text,
  resolved_at timestamptz,
  constraint reconciliation_exceptions_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id),
  constraint reconciliation_exceptions_resolved_check check ((status = 'resolved') = (resolved_at is not null)
    and (status = 'resolved') = (resolution is not null and resolution_reason is not null and resolved_by is not null)),
  constraint reconciliation_exceptions_subject_check check ((kind = 'missing_there') = (line_id is null)
    and coalesce(line_id, attempt_id, refund_id) is not null)
);
-- an exception is told once: what a person has resolved does not come back with the next report
create unique index reconciliation_exceptions_line_id_kind_key on public.reconciliation_exceptions (line_id, kind)
  where line_id is not null;
create unique index reconciliation_exceptions_missing_attempt_key on public.reconciliation_exceptions (attempt_id)
  where kind = 'missing_there' and refund_id is null;
create unique index reconciliation_exceptions_missing_refund_key on public.reconciliation_exceptions (refund_id)
  where kind = 'missing_there' and refund_id is not null;
-- ids sort by age
create index reconciliation_exceptions_open_idx on public.reconciliation_exceptions (id) where status = 'open';
create index reconciliation_exceptions_open_kind_idx on public.reconciliation_exceptions (kind, id) where status = 'open';
create index reconciliation_exceptions_open_gateway_id_idx on public.reconciliation_exceptions (gateway_id, id) where status = 'open';
create index reconciliation_exceptions_open_owner_idx on public.reconciliation_exceptions (owner, id)
  where status = 'open' and owner is not null;
create index reconciliation_exceptions_gateway_id_idx on public.reconciliation_exceptions (gateway_id, id);
create index reconciliation_exceptions_attempt_id_idx on public.reconciliation_exceptions (attempt_id) where attempt_id is not null;

-- One row a night (Asia/Kolkata): what a night has compared is compared once, and a night that was missed is seen.
create table public.reconciliation_runs (
  night date constraint reconciliation_runs_pkey primary key,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  result jsonb
);

-- Reports of some PSPs name the payment and not the order.
create index if not exists payment_attempts_gateway_id_psp_payment_id_idx on public.payment_attempts (gateway_id, psp_payment_id)
  where psp_payment_id is not null;
create index refunds_gateway_id_completed_at_idx on public.refunds (gateway_id, completed_at) where status = 'succeeded';
-- The arrival of a settlement is looked for by day.
create index bank_statement_lines_gateway_id_credited_on_idx on public.bank_statement_lines (gateway_id, credited_on);
