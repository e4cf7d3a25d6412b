-- Commission due: one wallet a client, append-only entries that chain.

create table public.gst_rates (
  valid_from date constraint gst_rates_pkey primary key,
  percent numeric(5, 2) not null constraint gst_rates_percent_check check (percent between 0 and 100)
);
insert into public.gst_rates (valid_from, percent) values ('2017-07-01', 18);

create table public.wallets (
  client_id uuid constraint wallets_pkey primary key
    constraint wallets_client_id_fkey references public.clients (id),
  -- commission and GST the merchant owes, paise; negative = paid in advance
  balance_due bigint not null default 0,
  -- number of entries; the newest entry's entry_no
  entry_count bigint not null default 0,
  -- balance at which operators (and the merchant) are warned; null = never
  warn_threshold bigint constraint wallets_warn_threshold_check check (warn_threshold > 0),
  wa_last_sent timestamptz,
  updated_at timestamptz not null default now()
) with (fillfactor = 70);

create table public.wallet_entries (
  id uuid constraint wallet_entries_pkey primary key default uuidv7(),
  client_id uuid not null constraint wallet_entries_client_id_fkey references public.wallets (client_id),
  -- 1, 2, 3 … within a wallet, without gaps
  entry_no bigint not null,
  type text not null constraint wallet_entries_type_check check (type in ('COMMISSION', 'COMMISSION_GST',
    'COMMISSION_REVERSAL', 'COMMISSION_PAYOUT', 'MANUAL_SETTLEMENT', 'ADJUSTMENT')),
  -- paise; positive raises what is due, negative lowers it
  amount bigint not null,
  transaction_id uuid constraint wallet_entries_transaction_id_fkey references public.transactions (id),
  balance_after bigint not null,
  description text,
  created_at timestamptz not null default now(),
  constraint wallet_entries_client_id_entry_no_key unique (client_id, entry_no),
  constraint wallet_entries_commission_check
    check (type not in ('COMMISSION', 'COMMISSION_GST') or (transaction_id is not null and amount >= 0))
);
-- the wall against booking a payment's commission twice
create unique index wallet_entries_type_transaction_id_key on public.wallet_entries (type, transaction_id)
  where type in ('COMMISSION', 'COMMISSION_GST');
create index wallet_entries_transaction_id_idx on public.wallet_entries (transaction_id) where transaction_id is not null;
