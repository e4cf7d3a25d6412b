-- Direct UPI: the payer pays into the merchant's own VPA, and no PSP tells us. The truth is the merchant's bank statement,
-- or an operator who has seen it.

alter table public.payment_gateways
  alter column api_secret drop not null,
  add constraint payment_gateways_api_secret_needed_check check (api_secret is not null or provider = 'upi'),
  -- for direct UPI the key is the merchant's VPA
  add constraint payment_gateways_upi_vpa_check
    check (provider <> 'upi' or api_key ~ '^[A-Za-z0-9._-]{2,255}@[A-Za-z][A-Za-z0-9]{1,63}$');

alter table public.payment_attempts
  -- what this attempt asks for where that is some paise less than the payment, so that the credit can be told apart by its
  -- amount alone; null = the payment's amount
  add column payable_amount bigint constraint payment_attempts_payable_amount_check
    check (payable_amount > 0 and payable_amount <= amount);
create index payment_attempts_gateway_id_payable_amount_idx on public.payment_attempts (gateway_id, payable_amount, created_at)
  where payable_amount is not null;

-- A credit proves one payment and no other: the UTR is used once a merchant.
create table public.upi_receipts (
  client_id uuid not null,
  utr text not null constraint upi_receipts_utr_check check (utr ~ '^[0-9]{12}$'),
  gateway_id uuid not null,
  attempt_id uuid not null constraint upi_receipts_attempt_id_fkey references public.payment_attempts (id),
  amount bigint not null,
  source text not null constraint upi_receipts_source_check check (source in ('operator', 'statement')),
  created_at timestamptz not null default now(),
  constraint upi_receipts_pkey primary key (client_id, utr),
  constraint upi_receipts_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id)
);

-- What payers say they paid with. A claim is no proof.
create table public.utr_claims (
  id uuid constraint utr_claims_pkey primary key default uuidv7(),
  client_id uuid not null,
  gateway_id uuid not null,
  transaction_id uuid not null,
  attempt_id uuid not null constraint utr_claims_attempt_id_fkey references public.payment_attempts (id),
  utr text not null constraint utr_claims_utr_check check (utr ~ '^[0-9]{12}$'),
  -- what is to be found on the statement, paise
  amount bigint not null,
  status text not null default 'submitted' constraint utr_claims_status_check
    check (status in ('submitted', 'approved', 'rejected')),
  reason text constraint utr_claims_reason_check check (length(reason) <= 500),
  decided_by text,
  decided_at timestamptz,
  created_at timestamptz not null default now(),
  constraint utr_claims_client_id_transaction_id_fkey foreign key (client_id, transaction_id)
    references public.transactions (client_id, id),
  constraint utr_claims_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id),
  constraint utr_claims_attempt_id_utr_key unique (attempt_id, utr)
);
create index utr_claims_client_id_utr_idx on public.utr_claims (client_id, utr);
create index utr_claims_transaction_id_idx on public.utr_claims (transaction_id, id);
create index utr_claims_submitted_idx on public.utr_claims (created_at) where status = 'submitted';

create table public.bank_statements (
  id uuid constraint bank_statements_pkey primary key default uuidv7(),
  client_id uuid not null,
  gateway_id uuid not null,
  file_name text not null constraint bank_statements_file_name_check check (length(file_name) between 1 and 255),
  sha256 text not null constraint bank_statements_sha256_check check (sha256 ~ '^[0-9a-f]{64}$'),
  line_count integer not null,
  matched_count integer not null,
  exception_count integer not null,
  -- lines that an earlier statement had brought
  repeated_count integer not null,
  imported_by text not null,
  created_at timestamptz not null default now(),
  constraint bank_statements_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id)
);
create index bank_statements_gateway_id_id_idx on public.bank_statements (gateway_id, id);

create table public.bank_statement_lines (
  id uuid constraint bank_statement_lines_pkey primary key default uuidv7(),
  statement_id uuid not null constraint bank_statement_lines_statement_id_fkey references public.bank_statements (id),
  client_id uuid not null,
  gateway_id uuid not null,
  line_no integer not null,
  credited_on date not null,
  -- paise
  amount bigint not null constraint bank_statement_lines_amount_check check (amount > 0),
  utr text constraint bank_statement_lines_utr_check check (utr ~ '^[0-9]{12}$'),
  payer text,
  narration text not null,
  status text not null constraint bank_statement_lines_status_check check (status in ('matched', 'exception', 'ignored')),
  -- why it did not match by itself
  exception text constraint bank_statement_lines_exception_check
    check (exception in ('no_payment', 'several_payments', 'amount_differs', 'utr_already_used', 'no_utr')),
  attempt_id uuid constraint bank_statement_lines_attempt_id_fkey references public.payment_attempts (id),
  resolution text constraint bank_statement_lines_resolution_check check (length(resolution) <= 500),
  resolved_by text,
  resolved_at timestamptz,
  created_at timestamptz not null default now(),
  constraint bank_statement_lines_statement_id_line_no_key unique (statement_id, line_no),
  constraint bank_statement_lines_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id),
  constraint bank_statement_lines_matched_check check ((status = 'matched') = (attempt_id is not null)),
  constraint bank_statement_lines_exception_reason_check check (status <> 'exception' or exception is not null)
);
create unique index bank_statement_lines_gateway_id_utr_key on public.bank_statement_lines (gateway_id, utr) where utr is not null;
create index bank_statement_lines_open_idx on public.bank_statement_lines (gateway_id, credited_on) where status = 'exception';
create index bank_statement_lines_without_utr_idx on public.bank_statement_lines (gateway_id, credited_on, amount) where utr is null;
