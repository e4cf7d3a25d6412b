-- Collection of what merchants owe: their accounts for payouts, payouts with what became of them, and the part of a payment
-- that its PSP settles to us by itself. Money is bigint paise.

-- From where a merchant's dues are collected: its own account for payouts at a PSP, whose credentials it gave for this and
-- nothing else, and our account there as the PSP names it.
create table public.collection_accounts (
  client_id uuid constraint collection_accounts_pkey primary key
    constraint collection_accounts_client_id_fkey references public.wallets (client_id),
  provider text not null constraint collection_accounts_provider_check check (provider in ('razorpay', 'cashfree')),
  api_key text not null constraint collection_accounts_api_key_check check (length(api_key) between 1 and 200),
  api_secret text not null constraint collection_accounts_api_secret_check check (api_secret like 'v1.%'),
  webhook_secret text constraint collection_accounts_webhook_secret_check check (webhook_secret like 'v1.%'),
  -- what is debited: RazorpayX's account_number, Cashfree's fundsource_id
  source_account text constraint collection_accounts_source_account_check check (source_account ~ '^[A-Za-z0-9_-]{3,50}$'),
  -- what is credited: RazorpayX's fund_account_id, Cashfree's beneficiary_id
  destination text not null constraint collection_accounts_destination_check check (destination ~ '^[A-Za-z0-9_.|]{1,50}$'),
  mode text not null default 'NEFT' constraint collection_accounts_mode_check check (mode in ('NEFT', 'IMPS', 'RTGS', 'UPI')),
  -- the night's sweep collects a balance of this or more; the PSPs pay out no less than a rupee
  threshold bigint not null default 10000
    constraint collection_accounts_threshold_check check (threshold between 100 and 999999999999),
  is_enabled boolean not null default true,
  egress_group text constraint collection_accounts_egress_group_check check (egress_group ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint collection_accounts_razorpay_check
    check (provider <> 'razorpay' or (source_account is not null and destination ~ '^fa_[A-Za-z0-9]{14}$')),
  -- the wall against collecting one merchant's dues from another's account
  constraint collection_accounts_api_key_source_account_key unique nulls not distinct (provider, api_key, source_account)
);

alter table public.payouts
  drop constraint payouts_client_id_collected_for_key,
  drop constraint payouts_processed_at_check,
  add column kind text not null default 'nightly' constraint payouts_kind_check check (kind in ('nightly', 'asked')),
  add column asked_by text,
  add column reason text constraint payouts_reason_check check (length(reason) between 1 and 500),
  -- as asked for, so that a repetition asks for the same
  add column source_account text,
  add column destination text,
  add column mode text,
  -- the PSP's own word
  add column psp_status text,
  -- set before the PSP is called for the first time
  add column started_at timestamptz,
  add column lookups integer not null default 0,
  add column next_lookup_at timestamptz,
  add column reversed_at timestamptz,
  add column entry_id uuid constraint payouts_entry_id_key unique
    constraint payouts_entry_id_fkey references public.wallet_entries (id),
  add column reversal_entry_id uuid constraint payouts_reversal_entry_id_key unique
    constraint payouts_reversal_entry_id_fkey references public.wallet_entries (id),
  add constraint payouts_asked_check check ((kind = 'asked') = (asked_by is not null and reason is not null)),
  -- one that came back before it was told processed was never booked
  add constraint payouts_processed_at_check
    check (case status when 'processed' then processed_at is not null when 'reversed' then true else processed_at is null end),
  add constraint payouts_entry_check check ((entry_id is not null) = (processed_at is not null)),
  add constraint payouts_reversal_entry_check
    check ((reversal_entry_id is not null) = (status = 'reversed' and entry_id is not null)),
  add constraint payouts_reversed_at_check check ((reversed_at is not null) = (status = 'reversed'));
-- one a merchant and night
create unique index payouts_client_id_collected_for_key on public.payouts (client_id, collected_for) where kind = 'nightly';
-- dues that are being collected are not collected by another
create unique index payouts_client_id_open_key on public.payouts (client_id) where status in ('queued', 'processing');
create index payouts_next_lookup_at_idx on public.payouts (next_lookup_at) where next_lookup_at is not null;

-- What a PSP told of payouts, as it came.
create table public.payout_events (
  id uuid constraint payout_events_pkey primary key default uuidv7(),
  client_id uuid not null constraint payout_events_client_id_fkey references public.wallets (client_id),
  -- null: of a payout that is none of ours
  payout_id uuid constraint payout_events_payout_id_fkey references public.payouts (id),
  provider text not null,
  dedupe_key text not null,
  event_type text not null,
  raw_body bytea not null,
  received_at timestamptz not null default now(),
  constraint payout_events_client_id_dedupe_key_key unique (client_id, dedupe_key)
);
create index payout_events_payout_id_idx on public.payout_events (payout_id);

-- Nights that were swept.
create table public.collection_nights (
  -- the day in Asia/Kolkata whose 02:00 it was
  night date constraint collection_nights_pkey primary key,
  payouts integer not null default 0,
  amount bigint not null default 0,
  swept_at timestamptz not null default now()
);

-- Split settlement: our account at the gateway's PSP (Razorpay's linked account, Cashfree's vendor, PayU's merchant key), to which the PSP
-- settles the commission and its GST of each payment by itself.
alter table public.payment_gateways
  add column split_account text,
  add column split_enabled boolean not null default false,
  add constraint payment_gateways_split_account_check check (case provider
    when 'razorpay' then split_account ~ '^acc_[A-Za-z0-9]{14}$'
    when 'cashfree' then split_account ~ '^[A-Za-z0-9_]{1,50}$'
    when 'payu' then split_account ~ '^[A-Za-z0-9]{1,40}$'
    -- the others split nothing
    else split_account is null end),
  add constraint payment_gateways_split_enabled_check check (not split_enabled or split_account is not null);

-- What a PSP was asked to settle to us of an attempt's payment.
create table public.payment_splits (
  attempt_id uuid constraint payment_splits_pkey primary key
    constraint payment_splits_attempt_id_fkey references public.payment_attempts (id),
  client_id uuid not null constraint payment_splits_client_id_fkey references public.wallets (client_id),
  account text not null,
  amount bigint not null constraint payment_splits_amount_check check (amount > 0),
  -- asked: with the order; refused: the PSP would not, the order is without; collected: the payment was made, and the part with it
  status text not null default 'asked' constraint payment_splits_status_check check (status in ('asked', 'refused', 'collected')),
  entry_id uuid constraint payment_splits_entry_id_key unique
    constraint payment_splits_entry_id_fkey references public.wallet_entries (id),
  created_at timestamptz not null default now(),
  constraint payment_splits_entry_check check ((status = 'collected') = (entry_id is not null))
);

-- the types that there are, and what was split off
do $$
declare
  v_types constant text := (select pg_get_expr(conbin, conrelid) from pg_catalog.pg_constraint
    where conname = 'wallet_entries_type_check' and conrelid = 'public.wallet_entries'::regclass);
begin
  alter table public.wallet_entries drop constraint wallet_entries_type_check;
  execute format('alter table public.wallet_entries add constraint wallet_entries_type_check check (%s or type = ''COMMISSION_SPLIT'')', v_types);
end
$$;
alter table public.wallet_entries add constraint wallet_entries_split_check
  check (type <> 'COMMISSION_SPLIT' or (transaction_id is not null and amount < 0));
