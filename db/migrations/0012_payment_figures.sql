-- Figures of closed minutes and hours, so that pages and dashboards read hundreds of rows where there are millions of
-- payments. refresh_payment_figures() alone writes them; what happened since it last did is read from the rows themselves.

create index transactions_paid_at_idx on public.transactions (paid_at) where paid_at is not null;
create index gateway_log_created_at_idx on public.gateway_log (created_at);

-- Nine days of them.
create table public.payment_minutes (
  minute timestamptz not null,
  -- '' stands for a minute in which nothing happened, to mark how far the figures go
  provider text not null,
  payments integer not null,
  -- paise; payments in INR only
  amount bigint not null,
  -- paise, without GST
  commission bigint not null,
  -- attempts decided in this minute, without those that the payer gave up
  succeeded integer not null,
  failed integer not null,
  constraint payment_minutes_pkey primary key (minute, provider)
);

-- For good. An hour of Asia/Kolkata; day is its calendar day there.
create table public.payment_hours (
  id uuid constraint payment_hours_pkey primary key default uuidv7(),
  hour timestamptz not null,
  day date not null,
  provider text not null,
  payments integer not null,
  amount bigint not null,
  succeeded integer not null,
  failed integer not null,
  -- for charts, which cannot divide
  amount_rupees numeric(14, 2) not null generated always as (amount / 100.0) stored,
  success_rate numeric(5, 1) generated always as (100.0 * succeeded / nullif(succeeded + failed, 0)) stored,
  constraint payment_hours_hour_provider_key unique (hour, provider)
);
create index payment_hours_day_idx on public.payment_hours (day);

-- Apart from payment_hours, because not everybody who sees payments sees what is earned with them.
create table public.commission_hours (
  id uuid constraint commission_hours_pkey primary key default uuidv7(),
  hour timestamptz not null constraint commission_hours_hour_key unique,
  day date not null,
  commission bigint not null,
  gst bigint not null,
  commission_rupees numeric(14, 2) not null generated always as (commission / 100.0) stored,
  gst_rupees numeric(14, 2) not null generated always as (gst / 100.0) stored
);
create index commission_hours_day_idx on public.commission_hours (day);

-- Deliveries of webhooks to merchants.
create table public.webhook_hours (
  id uuid constraint webhook_hours_pkey primary key default uuidv7(),
  hour timestamptz not null constraint webhook_hours_hour_key unique,
  day date not null,
  delivered integer not null,
  failed integer not null
);
create index webhook_hours_day_idx on public.webhook_hours (day);

-- It gets one more parameter.
drop function if exists public.studio_home(boolean);
