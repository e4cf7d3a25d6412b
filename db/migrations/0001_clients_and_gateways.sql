-- Merchants ("clients"), their own PSP accounts ("payment gateways") and the hot rows that routing writes.
-- Money is bigint paise. Columns that hold secrets hold AES-256-GCM ciphertext made by the application ("v1.<key id>.…").

create table public.clients (
  id uuid constraint clients_pkey primary key default uuidv7(),
  client_key text not null constraint clients_client_key_key unique
    constraint clients_client_key_check check (client_key ~ '^[A-Za-z0-9_]{8,64}$'),
  client_salt text not null
    constraint clients_client_salt_check check (client_salt like 'v1.%'),
  webhook_secret text not null
    constraint clients_webhook_secret_check check (webhook_secret like 'v1.%'),
  -- signs events beside the new one until then, so that a merchant can change over without losing any
  previous_webhook_secret text
    constraint clients_previous_webhook_secret_check check (previous_webhook_secret like 'v1.%'),
  previous_webhook_secret_until timestamptz,
  company_name text not null
    constraint clients_company_name_check check (length(company_name) between 1 and 200),
  legal_name text,
  gstin text constraint clients_gstin_check check (gstin ~ '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]$'),
  email text,
  phone text,
  address jsonb,
  state_code text constraint clients_state_code_check check (state_code ~ '^[0-9]{2}$'),
  webhook_url text constraint clients_webhook_url_check check (webhook_url ~ '^https?://'),
  -- set when the endpoint answered 410; cleared when webhook_url is changed
  webhook_disabled_at timestamptz,
  redirect_urls jsonb not null default '[]'
    constraint clients_redirect_urls_check check (jsonb_typeof(redirect_urls) = 'array'),
  fee_percent numeric(6, 3) not null default 3.50
    constraint clients_fee_percent_check check (fee_percent between 0 and 100),
  -- commission due (paise) at which new payments are refused; null = never
  suspend_threshold bigint constraint clients_suspend_threshold_check check (suspend_threshold > 0),
  rate_limit_per_minute integer not null default 100
    constraint clients_rate_limit_per_minute_check check (rate_limit_per_minute > 0),
  rotation_mode text not null default 'smart'
    constraint clients_rotation_mode_check check (rotation_mode in ('smart', 'round_robin', 'weighted')),
  -- payments a minute through one gateway; null = no limit
  max_rpm_per_gateway integer default 1
    constraint clients_max_rpm_per_gateway_check check (max_rpm_per_gateway > 0),
  cooldown_seconds integer not null default 300
    constraint clients_cooldown_seconds_check check (cooldown_seconds between 1 and 86400),
  payment_expiry_seconds integer not null default 900
    constraint clients_payment_expiry_seconds_check check (payment_expiry_seconds between 60 and 86400),
  max_transaction_amount bigint
    constraint clients_max_transaction_amount_check check (max_transaction_amount > 0),
  daily_count_cap integer constraint clients_daily_count_cap_check check (daily_count_cap > 0),
  daily_amount_cap bigint constraint clients_daily_amount_cap_check check (daily_amount_cap > 0),
  monthly_amount_cap bigint constraint clients_monthly_amount_cap_check check (monthly_amount_cap > 0),
  allow_plain_salt boolean not null default false,
  reverse_commission_on_refund boolean not null default true,
  status text not null default 'active'
    constraint clients_status_check check (status in ('active', 'suspended', 'disabled')),
  kyc_status text not null default 'pending'
    constraint clients_kyc_status_check check (kyc_status in ('pending', 'submitted', 'verified', 'rejected')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- A regenerated key stops working for the merchant at once, but the PSPs' dashboards still post webhooks to
-- /webhook/<old key>; there the key only says whose event it is (the PSP's signature is the proof).
create table public.retired_client_keys (
  client_key text constraint retired_client_keys_pkey primary key,
  client_id uuid not null constraint retired_client_keys_client_id_fkey references public.clients (id),
  retired_at timestamptz not null default now()
);

create table public.payment_gateways (
  id uuid constraint payment_gateways_pkey primary key default uuidv7(),
  client_id uuid not null constraint payment_gateways_client_id_fkey references public.clients (id),
  name text not null constraint payment_gateways_name_check check (length(name) between 1 and 100),
  provider text not null constraint payment_gateways_provider_check check (provider ~ '^[a-z][a-z0-9_]{1,30}$'),
  api_key text not null,
  api_secret text not null constraint payment_gateways_api_secret_check check (api_secret like 'v1.%'),
  webhook_secret text constraint payment_gateways_webhook_secret_check check (webhook_secret like 'v1.%'),
  settings jsonb not null default '{}'
    constraint payment_gateways_settings_check check (jsonb_typeof(settings) = 'object'),
  -- paise a calendar month (Asia/Kolkata); null = no limit
  monthly_limit bigint constraint payment_gateways_monthly_limit_check check (monthly_limit > 0),
  priority integer not null default 0,
  weight integer not null default 1 constraint payment_gateways_weight_check check (weight between 1 and 1000),
  is_active boolean not null default true,
  -- null = every method
  methods jsonb constraint payment_gateways_methods_check check (jsonb_typeof(methods) = 'array'),
  currencies jsonb not null default '["INR"]'
    constraint payment_gateways_currencies_check check (jsonb_typeof(currencies) = 'array'),
  min_amount bigint constraint payment_gateways_min_amount_check check (min_amount > 0),
  max_amount bigint,
  egress_group text,
  -- CIDR list that webhooks must come from; null = anywhere
  webhook_networks jsonb constraint payment_gateways_webhook_networks_check check (jsonb_typeof(webhook_networks) = 'array'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint payment_gateways_max_amount_check check (max_amount >= coalesce(min_amount, 1)),
  -- the target of the composite keys that tie a payment to its own merchant's accounts
  constraint payment_gateways_id_client_id_key unique (id, client_id)
);
create index payment_gateways_client_id_idx on public.payment_gateways (client_id);

-- Hot: one narrow row a gateway, written by selection and the failure path only. No written column is indexed and a page
-- is kept half empty, so updates stay heap-only.
create table public.gateway_states (
  gateway_id uuid constraint gateway_states_pkey primary key
    constraint gateway_states_gateway_id_fkey references public.payment_gateways (id) on delete cascade,
  client_id uuid not null,
  -- first day of the Asia/Kolkata month that `volume` counts
  volume_month date not null default '2000-01-01',
  volume bigint not null default 0 constraint gateway_states_volume_check check (volume >= 0),
  -- the minute of requests now being counted starts at the first request in it
  window_started_at timestamptz not null default '2000-01-01T00:00:00Z',
  window_count integer not null default 0,
  last_used_at timestamptz,
  success_rate numeric(5, 2) not null default 100,
  cooldown_until timestamptz,
  last_response_code integer
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);
create index gateway_states_client_id_idx on public.gateway_states (client_id);

-- Hot: one narrow row a client. Its lock puts one merchant's initiations in order, which is what makes rate limit, caps,
-- idempotency and gateway limits exact; merchants do not wait for each other.
create table public.client_usage (
  client_id uuid constraint client_usage_pkey primary key
    constraint client_usage_client_id_fkey references public.clients (id) on delete cascade,
  window_started_at timestamptz not null default '2000-01-01T00:00:00Z',
  window_count integer not null default 0,
  day date not null default '2000-01-01',
  day_count integer not null default 0,
  day_amount bigint not null default 0,
  month date not null default '2000-01-01',
  month_amount bigint not null default 0
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);

create table public.gateway_log (
  id uuid constraint gateway_log_pkey primary key default uuidv7(),
  gateway_id uuid not null constraint gateway_log_gateway_id_fkey references public.payment_gateways (id) on delete cascade,
  client_id uuid not null,
  kind text not null constraint gateway_log_kind_check
    check (kind in ('cooled_down', 'returned', 'activated', 'deactivated')),
  details jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index gateway_log_gateway_id_id_idx on public.gateway_log (gateway_id, id);
