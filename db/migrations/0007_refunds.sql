-- Money given back. The state of a refund is what the PSP's refund object says; a payment's state follows from its refunds.

create table public.refunds (
  id uuid constraint refunds_pkey primary key default uuidv7(),
  client_id uuid not null,
  transaction_id uuid not null,
  attempt_id uuid not null constraint refunds_attempt_id_fkey references public.payment_attempts (id),
  gateway_id uuid not null,
  -- duplicate_payment: a payment was made a second time and goes back by itself; it never counts as refunded of the first
  kind text not null constraint refunds_kind_check check (kind in ('requested', 'duplicate_payment')),
  -- paise
  amount bigint not null constraint refunds_amount_check check (amount > 0),
  currency text not null,
  -- created: not sent to the PSP yet. unknown: the PSP may have it
  status text not null default 'created' constraint refunds_status_check
    check (status in ('created', 'pending', 'unknown', 'succeeded', 'failed')),
  reason text constraint refunds_reason_check check (length(reason) <= 500),
  idempotency_key text constraint refunds_idempotency_key_check check (length(idempotency_key) between 1 and 100),
  -- as asked for under the key; null = what was left
  requested_amount bigint,
  -- merchant, system, or the operator's id in the studio
  requested_by text not null,
  -- the payment at the PSP that is given back
  psp_payment_id text not null,
  psp_refund_id text,
  bank_reference text,
  error_code text,
  error_message text,
  -- the PSP's answer, without secrets
  psp_response jsonb,
  -- set before the first call to the PSP: from here on a refund may exist there
  started_at timestamptz,
  next_lookup_at timestamptz,
  lookups integer not null default 0,
  completed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint refunds_client_id_transaction_id_fkey foreign key (client_id, transaction_id)
    references public.transactions (client_id, id),
  constraint refunds_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id),
  constraint refunds_completed_at_check check ((completed_at is not null) = (status in ('succeeded', 'failed')))
) with (fillfactor = 85);
create unique index refunds_client_id_idempotency_key_key on public.refunds (client_id, idempotency_key)
  where idempotency_key is not null;
-- the wall against giving one second payment back twice
create unique index refunds_attempt_id_psp_payment_id_key on public.refunds (attempt_id, psp_payment_id)
  where kind = 'duplicate_payment' and status <> 'failed';
create index refunds_gateway_id_psp_refund_id_idx on public.refunds (gateway_id, psp_refund_id) where psp_refund_id is not null;
create index refunds_transaction_id_idx on public.refunds (transaction_id);
create index refunds_client_id_id_idx on public.refunds (client_id, id);
create index refunds_next_lookup_at_idx on public.refunds (next_lookup_at) where next_lookup_at is not null;

alter table public.webhook_events
  add column refund_id uuid constraint webhook_events_refund_id_fkey references public.refunds (id);
create index webhook_events_refund_id_idx on public.webhook_events (refund_id) where refund_id is not null;

alter table public.wallet_entries
  add column refund_id uuid constraint wallet_entries_refund_id_fkey references public.refunds (id),
  drop constraint wallet_entries_type_check,
  add constraint wallet_entries_type_check check (type in ('COMMISSION', 'COMMISSION_GST', 'COMMISSION_REVERSAL',
    'COMMISSION_GST_REVERSAL', 'COMMISSION_PAYOUT', 'MANUAL_SETTLEMENT', 'ADJUSTMENT')),
  add constraint wallet_entries_reversal_check check (type not in ('COMMISSION_REVERSAL', 'COMMISSION_GST_REVERSAL')
    or (refund_id is not null and transaction_id is not null and amount < 0));
-- the wall against reversing a refund's commission twice
create unique index wallet_entries_type_refund_id_key on public.wallet_entries (type, refund_id) where refund_id is not null;

create or replace view reports.vw_commission_daily as
  select (e.created_at at time zone 'Asia/Kolkata')::date as day,
      e.client_id,
      c.company_name,
      count(*) filter (where e.type = 'COMMISSION') as payments,
      coalesce(sum(t.amount) filter (where e.type = 'COMMISSION'), 0)::bigint as volume,
      coalesce(sum(e.amount) filter (where e.type = 'COMMISSION'), 0)::bigint as commission,
      coalesce(sum(e.amount) filter (where e.type = 'COMMISSION_GST'), 0)::bigint as gst,
      coalesce(sum(e.amount) filter (where e.type = 'COMMISSION_REVERSAL'), 0)::bigint as reversed,
      coalesce(sum(e.amount) filter (where e.type = 'COMMISSION_GST_REVERSAL'), 0)::bigint as gst_reversed
    from public.wallet_entries e
    join public.clients c on c.id = e.client_id
    left join public.transactions t on t.id = e.transaction_id
    group by 1, 2, 3;

-- A payer who wants another try may be moved to another gateway.
alter table public.payment_attempts
  -- the payer has asked for it; a worker is finding out whether this attempt can be left
  add column move_requested_at timestamptz,
  -- the order was closed at the PSP and cannot be paid any more
  add column closed_at timestamptz;
-- when the payment was counted in the merchant's caps; null = given back
alter table public.transactions add column caps_booked_at timestamptz;
update public.transactions set caps_booked_at = created_at where status not in ('failed', 'expired');
-- attempts that outlive a failed payment, for expire_transactions
create index payment_attempts_retried_idx on public.payment_attempts (transaction_id)
  where attempt_no > 1 and status in ('created', 'pending', 'unknown', 'authorized');

-- It takes the attempt and what the PSP states now.
drop function if exists public.raise_second_success(public.transactions, uuid, text);
