-- Transactions (what the merchant asked for) and attempts (what was tried at a PSP).

create table public.transactions (
  id uuid constraint transactions_pkey primary key default uuidv7(),
  order_id text not null constraint transactions_order_id_check check (length(order_id) between 1 and 100),
  client_id uuid not null,
  -- the gateway of the newest attempt, and of the successful one once paid
  gateway_id uuid not null,
  customer_id text,
  customer jsonb not null default '{}',
  amount bigint not null constraint transactions_amount_check check (amount > 0),
  currency text not null constraint transactions_currency_check check (currency ~ '^[A-Z]{3}$'),
  status text not null default 'created' constraint transactions_status_check
    check (status in ('created', 'pending', 'paid', 'partially_refunded', 'refunded', 'failed', 'expired')),
  -- what the merchant asked for, then what the payer used
  method text,
  description text,
  gateway_txn_id text,
  gateway_response jsonb,
  redirect_url text,
  metadata jsonb not null default '{}',
  fee_percent numeric(6, 3) not null,
  error_code text,
  error_message text,
  expires_at timestamptz not null,
  paid_at timestamptz,
  -- paid after expires_at
  is_late boolean not null default false,
  amount_refunded bigint not null default 0,
  -- counts status changes; the event id of the status stream
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint transactions_client_id_order_id_key unique (client_id, order_id),
  -- serves the merchant's list (ids sort by time) and is the target of the attempts' composite key
  constraint transactions_client_id_id_key unique (client_id, id),
  -- a merchant's payment only goes through that merchant's own accounts
  constraint transactions_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id),
  constraint transactions_amount_refunded_check check (amount_refunded between 0 and amount),
  constraint transactions_paid_at_check check ((paid_at is not null) = (status in ('paid', 'partially_refunded', 'refunded')))
) with (fillfactor = 85);
create index transactions_expires_at_idx on public.transactions (expires_at) where status in ('created', 'pending');

create table public.payment_attempts (
  id uuid constraint payment_attempts_pkey primary key default uuidv7(),
  transaction_id uuid not null,
  client_id uuid not null,
  gateway_id uuid not null,
  attempt_no integer not null constraint payment_attempts_attempt_no_check check (attempt_no > 0),
  -- what was booked on the gateway's month
  amount bigint not null,
  status text not null default 'created' constraint payment_attempts_status_check
    check (status in ('created', 'pending', 'authorized', 'succeeded', 'failed', 'unknown', 'expired')),
  psp_order_id text,
  psp_payment_id text,
  -- how the payer's browser reaches the PSP; never secret
  presentation jsonb,
  method text,
  bank_reference text,
  -- kept by the PSP, paise, GST included
  psp_fee bigint,
  error_code text,
  error_message text,
  response_code integer,
  latency_ms integer,
  -- why this gateway
  routing jsonb not null,
  -- set before the first call to the PSP: from here on an order may exist there
  started_at timestamptz,
  -- when to ask the PSP again; null = no need
  next_lookup_at timestamptz,
  lookups integer not null default 0,
  -- the booked volume was given back
  released_at timestamptz,
  settled_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint payment_attempts_transaction_id_attempt_no_key unique (transaction_id, attempt_no),
  constraint payment_attempts_client_id_transaction_id_fkey foreign key (client_id, transaction_id)
    references public.transactions (client_id, id),
  constraint payment_attempts_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id)
) with (fillfactor = 80);
create unique index payment_attempts_gateway_id_psp_order_id_key on public.payment_attempts (gateway_id, psp_order_id)
  where psp_order_id is not null;
create index payment_attempts_next_lookup_at_idx on public.payment_attempts (next_lookup_at) where next_lookup_at is not null;
create index payment_attempts_gateway_id_settled_at_idx on public.payment_attempts (gateway_id, settled_at desc)
  where settled_at is not null;
create index payment_attempts_settled_at_idx on public.payment_attempts (settled_at) where settled_at is not null;

-- PSP webhooks as received; stored before they are acknowledged.
create table public.gateway_events (
  id uuid constraint gateway_events_pkey primary key default uuidv7(),
  client_id uuid not null,
  gateway_id uuid not null,
  provider text not null,
  -- the PSP's id of the event, the same on each of its retries
  dedupe_key text not null,
  event_type text not null,
  headers jsonb not null,
  raw_body bytea not null,
  -- false where the PSP's proof does not cover the body: the content is then confirmed by a status call
  verified boolean not null,
  error text,
  processed_at timestamptz,
  received_at timestamptz not null default now(),
  constraint gateway_events_gateway_id_client_id_fkey foreign key (gateway_id, client_id)
    references public.payment_gateways (id, client_id),
  constraint gateway_events_gateway_id_dedupe_key_key unique (gateway_id, dedupe_key)
);

-- Events for merchants (the outbox), written in the transaction that changed the state.
create table public.webhook_events (
  id uuid constraint webhook_events_pkey primary key default uuidv7(),
  client_id uuid not null constraint webhook_events_client_id_fkey references public.clients (id),
  transaction_id uuid not null constraint webhook_events_transaction_id_fkey references public.transactions (id),
  type text not null constraint webhook_events_type_check check (type ~ '^[a-z]+\.[a-z_]+$'),
  -- {id, type, timestamp, data}; json, not jsonb, so that every try sends the same bytes
  payload json not null,
  status text not null default 'pending' constraint webhook_events_status_check
    check (status in ('pending', 'delivered', 'dead', 'disabled')),
  attempts integer not null default 0,
  next_retry_at timestamptz,
  last_error text,
  delivered_at timestamptz,
  created_at timestamptz not null default now()
);
create index webhook_events_transaction_id_idx on public.webhook_events (transaction_id);
create index webhook_events_client_id_id_idx on public.webhook_events (client_id, id);

create table public.webhook_deliveries (
  id uuid constraint webhook_deliveries_pkey primary key default uuidv7(),
  event_id uuid not null constraint webhook_deliveries_event_id_fkey references public.webhook_events (id),
  attempt_no integer not null,
  url text not null,
  status_code integer,
  error text,
  duration_ms integer not null,
  response_bytes integer not null,
  created_at timestamptz not null default now(),
  constraint webhook_deliveries_event_id_attempt_no_key unique (event_id, attempt_no)
);
