-- Disputes, and entries of the ledger that are chained by their hashes.

create table public.disputes (
  id uuid constraint disputes_pkey primary key default uuidv7(),
  client_id uuid not null,
  transaction_id uuid not null,
  attempt_id uuid not null constraint disputes_attempt_id_fkey references public.payment_attempts (id),
  gateway_id uuid not null,
  psp_dispute_id text not null constraint disputes_psp_dispute_id_check check (length(psp_dispute_id) between 1 and 255),
  -- the payment at the PSP that is disputed
  psp_payment_id text not null,
  -- paise; what the payer wants back
  amount bigint not null constraint disputes_amount_check check (amount > 0),
  currency text not null,
  -- the network's or the PSP's own code, and its words
  reason_code text,
  reason text,
  -- how far it has gone: null where the PSP does not say
  phase text constraint disputes_phase_check
    check (phase in ('fraud', 'inquiry', 'retrieval', 'chargeback', 'pre_arbitration', 'arbitration')),
  -- closed: ended without a decision about money
  status text not null constraint disputes_status_check check (status in ('opened', 'won', 'lost', 'closed')),
  -- the PSP's own word for where it stands, such as under_review
  psp_status text,
  -- evidence must be with the PSP by then; null where it does not say
  respond_by timestamptz,
  -- paise that the PSP has taken from the merchant for it; null where it does not say
  amount_deducted bigint constraint disputes_amount_deducted_check check (amount_deducted >= 0),
  -- lost under terms that give commission back, of the payment that commission was booked for: counts in what is reversed
  reverses_commission boolean not null default false,
  -- the PSP's times
  opened_at timestamptz not null,
  closed_at timestamptz,
  -- of the newest message about it; an older one that comes late changes nothing
  psp_updated_at timestamptz not null,
  -- the PSP's message, without secrets
  psp_response jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint disputes_client_id_transaction_id_fkey foreign key (client_id, transaction_id)
    references public.transactions (client_id, id),
  constraint disputes_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id),
  -- the wall against booking a dispute twice
  constraint disputes_gateway_id_psp_dispute_id_key unique (gateway_id, psp_dispute_id),
  constraint disputes_closed_at_check check ((closed_at is not null) = (status <> 'opened')),
  constraint disputes_reverses_commission_check check (not reverses_commission or status = 'lost')
);
create index disputes_transaction_id_idx on public.disputes (transaction_id);
create index disputes_client_id_id_idx on public.disputes (client_id, id);
create index disputes_open_idx on public.disputes (respond_by, id) where status = 'opened';

-- A PSP's message about a dispute or a settlement names its payment and not always the order.
create index payment_attempts_gateway_id_psp_payment_id_idx on public.payment_attempts (gateway_id, psp_payment_id)
  where psp_payment_id is not null;

alter table public.webhook_events
  add column dispute_id uuid constraint webhook_events_dispute_id_fkey references public.disputes (id);
create index webhook_events_dispute_id_idx on public.webhook_events (dispute_id) where dispute_id is not null;

insert into public.studio_event_types (type) values ('dispute.opened'), ('dispute.closed');

-- Succeeded under terms that give commission back: counts, with lost disputes, in what is reversed.
alter table public.refunds add column reverses_commission boolean not null default false;
alter table public.refunds disable trigger user;
update public.refunds r set reverses_commission = true
  from public.transactions t, public.clients c
  where r.status = 'succeeded' and r.kind = 'requested' and t.id = r.transaction_id and c.id = r.client_id
    and (exists (select from public.wallet_entries e where e.refund_id = r.id)
      -- too little to have an entry of its own
      or (c.reverse_commission_on_refund and r.amount * t.fee_percent < 100));
alter table public.refunds enable trigger user;
alter table public.refunds add constraint refunds_reverses_commission_check
  check (not reverses_commission or (status = 'succeeded' and kind = 'requested'));

-- DISPUTE_OPENED, DISPUTE_WON and DISPUTE_CLOSED are marks of 0 paise: no money of ours moves. DISPUTE_LOST takes back commission
-- as a refund does, 0 where the merchant's terms give none back; DISPUTE_LOST_GST the GST on it.
alter table public.wallet_entries
  add column dispute_id uuid constraint wallet_entries_dispute_id_fkey references public.disputes (id),
  drop constraint wallet_entries_type_check,
  add constraint wallet_entries_type_check check (type in ('COMMISSION', 'COMMISSION_GST', 'COMMISSION_REVERSAL',
    'COMMISSION_GST_REVERSAL', 'COMMISSION_PAYOUT', 'MANUAL_SETTLEMENT', 'ADJUSTMENT', 'DISPUTE_OPENED', 'DISPUTE_WON',
    'DISPUTE_CLOSED', 'DISPUTE_LOST', 'DISPUTE_LOST_GST')),
  add constraint wallet_entries_dispute_check check ((dispute_id is not null) = (type in ('DISPUTE_OPENED', 'DISPUTE_WON',
      'DISPUTE_CLOSED', 'DISPUTE_LOST', 'DISPUTE_LOST_GST'))
    and (dispute_id is null or (transaction_id is not null and refund_id is null and case type
      when 'DISPUTE_LOST' then amount <= 0 when 'DISPUTE_LOST_GST' then amount < 0 else amount = 0 end)));
-- the wall against booking a dispute's outcome twice
create unique index wallet_entries_type_dispute_id_key on public.wallet_entries (type, dispute_id) where dispute_id is not null;

-- Each entry holds the SHA-256 of a text that begins with the hash of the entry before it (docs/ledger.md); the wallet keeps the newest,
-- so that the last entry is missed as well. 32 bytes of zeros come before the first.
alter table public.wallet_entries
  add column hash bytea constraint wallet_entries_hash_check check (length(hash) = 32);
alter table public.wallets
  add column head_hash bytea not null default decode(repeat('00', 32), 'hex')
    constraint wallets_head_hash_check check (length(head_hash) = 32);

create function pg_temp.next_hash(p_before bytea, p_content text) returns bytea language sql immutable as $$
  select sha256(convert_to('lightspeedpay.ledger.v1' || E'\n' || encode(p_before, 'hex') || E'\n' || p_content, 'UTF8'))
$$;
create aggregate pg_temp.chained(p_content text) (
  sfunc = pg_temp.next_hash, stype = bytea, initcond = '\x0000000000000000000000000000000000000000000000000000000000000000'
);
alter table public.wallet_entries disable trigger user;
update public.wallet_entries e set hash = c.hash
  from (
    select id, pg_temp.chained(concat_ws(E'\n', client_id, entry_no, id, type, amount, balance_after, coalesce(transaction_id::text, '-'),
        coalesce(refund_id::text, '-'), coalesce(dispute_id::text, '-'),
        to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), coalesce('=' || description, '-')))
        over (partition by client_id order by entry_no) as hash
      from public.wallet_entries
  ) c
  where c.id = e.id;
alter table public.wallet_entries enable trigger user;
alter table public.wallets disable trigger user;
update public.wallets w set head_hash = e.hash
  from public.wallet_entries e
  where e.client_id = w.client_id and e.entry_no = w.entry_count;
alter table public.wallets enable trigger user;
alter table public.wallet_entries alter column hash set not null;
drop aggregate pg_temp.chained(text);
drop function pg_temp.next_hash(bytea, text);

-- It takes a dispute as well.
drop function if exists public.reverse_commission(public.transactions, public.refunds, bigint);

-- Up to where each wallet was found sound; the next check goes on from there.
create table public.wallet_checks (
  client_id uuid constraint wallet_checks_pkey primary key constraint wallet_checks_client_id_fkey references public.wallets (client_id),
  entry_no bigint not null,
  balance bigint not null,
  hash bytea not null,
  checked_at timestamptz not null
);

-- Until when the check of recent changes has looked: one row.
create table public.check_windows (
  id integer constraint check_windows_pkey primary key constraint check_windows_id_check check (id = 1),
  checked_until timestamptz not null
);
