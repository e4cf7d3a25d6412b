-- Notices to merchants by WhatsApp: what may be said (templates), to whom, what was sent and what became of it, and the
-- provider's token, whose state every worker shares.

-- Texts that WhatsApp has approved. The provider keeps the text; ours is shown to operators and must be the same.
create table public.whatsapp_templates (
  id uuid constraint whatsapp_templates_pkey primary key default uuidv7(),
  name text not null constraint whatsapp_templates_name_check check (name ~ '^[a-z][a-z0-9_]{0,63}$'),
  language text not null constraint whatsapp_templates_language_check check (language in ('en', 'hi')),
  body text not null constraint whatsapp_templates_body_check check (length(body) between 1 and 1024),
  -- [{name, type, max}] in the order of {{1}}, {{2}} …; type: text, paise, url
  variables jsonb not null constraint whatsapp_templates_variables_check check (jsonb_typeof(variables) = 'array'),
  -- what the template is called there; null = not approved at this provider
  meta_name text constraint whatsapp_templates_meta_name_check check (meta_name ~ '^[a-z0-9_]{1,200}$'),
  gupshup_id text constraint whatsapp_templates_gupshup_id_check check (length(gupshup_id) between 1 and 100),
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  constraint whatsapp_templates_name_language_key unique (name, language)
);

-- What a merchant wants. No row: warned when the balance is low, at the phone number of the merchant's profile, in English.
create table public.whatsapp_preferences (
  client_id uuid constraint whatsapp_preferences_pkey primary key
    constraint whatsapp_preferences_client_id_fkey references public.clients (id),
  -- international, digits only; null = the phone number of the profile
  recipient text constraint whatsapp_preferences_recipient_check check (recipient ~ '^[1-9][0-9]{7,14}$'),
  language text not null default 'en' constraint whatsapp_preferences_language_check check (language in ('en', 'hi')),
  low_balance boolean not null default true,
  -- events the merchant asked to be told about, e.g. ["payment.paid"]
  updates jsonb not null default '[]' constraint whatsapp_preferences_updates_check check (jsonb_typeof(updates) = 'array'),
  -- no message at all since then; the merchant's own answer STOP sets it as well
  opted_out_at timestamptz,
  updated_at timestamptz not null default now()
);

create table public.whatsapp_notifications (
  id uuid constraint whatsapp_notifications_pkey primary key default uuidv7(),
  client_id uuid not null constraint whatsapp_notifications_client_id_fkey references public.clients (id),
  template text not null,
  language text not null,
  -- by name, as they were given
  variables jsonb not null,
  recipient text not null constraint whatsapp_notifications_recipient_check check (recipient ~ '^[1-9][0-9]{7,14}$'),
  -- why it was sent
  cause text not null constraint whatsapp_notifications_cause_check
    check (cause in ('low_balance', 'transaction', 'request', 'resend')),
  -- at most one message a key; null = as often as asked
  dedupe_key text constraint whatsapp_notifications_dedupe_key_key unique,
  resend_of uuid constraint whatsapp_notifications_resend_of_fkey references public.whatsapp_notifications (id),
  requested_by text not null,
  -- unknown: the provider's answer was lost, so it may have been sent; skipped: not sent on purpose (error_code says why)
  status text not null default 'queued' constraint whatsapp_notifications_status_check check (status in ('queued',
    'sending', 'accepted', 'sent', 'delivered', 'read', 'failed', 'unknown', 'skipped')),
  attempts integer not null default 0,
  provider text constraint whatsapp_notifications_provider_check check (provider in ('meta', 'gupshup')),
  provider_message_id text,
  error_code text,
  error_message text,
  next_attempt_at timestamptz,
  accepted_at timestamptz,
  sent_at timestamptz,
  delivered_at timestamptz,
  read_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint whatsapp_notifications_provider_message_id_key unique (provider, provider_message_id)
);
create index whatsapp_notifications_client_id_id_idx on public.whatsapp_notifications (client_id, id);
create index whatsapp_notifications_status_id_idx on public.whatsapp_notifications (status, id);
create index whatsapp_notifications_template_id_idx on public.whatsapp_notifications (template, id);
create index whatsapp_notifications_recipient_id_idx on public.whatsapp_notifications (recipient, id);
-- the usage of a month is read from this alone
create index whatsapp_notifications_usage_idx on public.whatsapp_notifications (created_at, template, status);

-- One row a call of a provider. It is there before the call, so that a call nobody came back from is seen.
create table public.whatsapp_attempts (
  id uuid constraint whatsapp_attempts_pkey primary key default uuidv7(),
  notification_id uuid not null
    constraint whatsapp_attempts_notification_id_fkey references public.whatsapp_notifications (id),
  attempt_no integer not null,
  provider text not null,
  -- null while it goes on
  outcome text constraint whatsapp_attempts_outcome_check check (outcome in ('accepted', 'refused', 'unknown')),
  -- what a refusal's code asks for
  action text constraint whatsapp_attempts_action_check check (action in ('retry', 'delay', 'stop')),
  http_status integer,
  error_code text,
  error_message text,
  latency_ms integer,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  constraint whatsapp_attempts_notification_id_attempt_no_key unique (notification_id, attempt_no)
);

-- The provider's own webhooks as they came; stored before they are acknowledged.
create table public.whatsapp_events (
  id uuid constraint whatsapp_events_pkey primary key default uuidv7(),
  provider text not null constraint whatsapp_events_provider_check check (provider in ('meta', 'gupshup')),
  -- SHA-256 of the body, hex: a repetition has the same bytes
  dedupe_key text not null,
  raw_body bytea not null,
  error text,
  received_at timestamptz not null default now(),
  processed_at timestamptz,
  constraint whatsapp_events_provider_dedupe_key_key unique (provider, dedupe_key)
);
create index whatsapp_events_received_at_idx on public.whatsapp_events (received_at);

-- What all workers know of a provider: whether it is the one in use, and the circuit breaker.
create table public.whatsapp_providers (
  provider text constraint whatsapp_providers_pkey primary key
    constraint whatsapp_providers_provider_check check (provider in ('meta', 'gupshup')),
  is_current boolean not null default false,
  -- whom messages come from, as the workers' environment says
  sender text,
  is_sandbox boolean not null default false,
  reported_at timestamptz,
  -- calls in a row that failed for the provider's own reasons
  failures integer not null default 0,
  -- nothing is sent until then; afterwards one message tries
  open_until timestamptz,
  probing_until timestamptz,
  last_success_at timestamptz,
  last_failure_at timestamptz,
  last_error text
);
insert into public.whatsapp_providers (provider) values ('meta'), ('gupshup');

create table public.whatsapp_provider_tokens (
  id uuid constraint whatsapp_provider_tokens_pkey primary key,
  provider text not null constraint whatsapp_provider_tokens_provider_key unique
    constraint whatsapp_provider_tokens_provider_fkey references public.whatsapp_providers (provider),
  token text not null constraint whatsapp_provider_tokens_token_check check (token like 'v1.%'),
  -- SHA-256 of the token that the environment gave, so that a new one there replaces what was made from the old one
  origin text not null,
  -- raised with each renewal: who was refused with an older one takes the newer instead of renewing again
  generation integer not null default 1,
  -- one worker renews at a time
  renewing_until timestamptz,
  expires_at timestamptz,
  renewed_at timestamptz,
  created_at timestamptz not null default now()
);

-- who is to be warned at all; of neither column that payments write
create index wallets_warned_idx on public.wallets (client_id) where warn_threshold is not null;

insert into public.whatsapp_templates (name, language, body, variables, meta_name) values
  ('low_balance', 'en',
    'Commission due of {{1}} is now {{2}}; you asked to be told at {{3}}. Settle it in time, so that payments go on.',
    '[{"name": "company", "type": "text", "max": 60}, {"name": "balance_due", "type": "paise"}, {"name": "threshold", "type": "paise"}]',
    'low_balance'),
  ('low_balance', 'hi',
    '{{1}} का बकाया कमीशन अब {{2}} है; आपने {{3}} पर सूचना माँगी थी। समय पर चुकाएँ, ताकि भुगतान चलते रहें।',
    '[{"name": "company", "type": "text", "max": 60}, {"name": "balance_due", "type": "paise"}, {"name": "threshold", "type": "paise"}]',
    'low_balance'),
  ('payment_paid', 'en', 'Payment received: {{1}} for order {{2}}, to {{3}}.',
    '[{"name": "amount", "type": "paise"}, {"name": "order_id", "type": "text", "max": 100}, {"name": "company", "type": "text", "max": 60}]',
    'payment_paid'),
  ('payment_paid', 'hi', 'भुगतान मिला: ऑर्डर {{2}} के लिए {{1}}, {{3}} को।',
    '[{"name": "amount", "type": "paise"}, {"name": "order_id", "type": "text", "max": 100}, {"name": "company", "type": "text", "max": 60}]',
    'payment_paid'),
  ('payment_failed', 'en', 'A payment of {{1}} for order {{2}} at {{3}} failed. The payer may try again.',
    '[{"name": "amount", "type": "paise"}, {"name": "order_id", "type": "text", "max": 100}, {"name": "company", "type": "text", "max": 60}]',
    'payment_failed'),
  ('payment_failed', 'hi', '{{3}} पर ऑर्डर {{2}} का {{1}} का भुगतान नहीं हुआ। ग्राहक फिर कोशिश कर सकता है।',
    '[{"name": "amount", "type": "paise"}, {"name": "order_id", "type": "text", "max": 100}, {"name": "company", "type": "text", "max": 60}]',
    'payment_failed'),
  ('refund_succeeded', 'en', 'Refund made: {{1}} of order {{2}} went back to the payer, from {{3}}.',
    '[{"name": "amount", "type": "paise"}, {"name": "order_id", "type": "text", "max": 100}, {"name": "company", "type": "text", "max": 60}]',
    'refund_succeeded'),
  ('refund_succeeded', 'hi', 'रिफ़ंड हुआ: {{3}} से ऑर्डर {{2}} के {{1}} ग्राहक को लौटाए गए।',
    '[{"name": "amount", "type": "paise"}, {"name": "order_id", "type": "text", "max": 100}, {"name": "company", "type": "text", "max": 60}]',
    'refund_succeeded'),
  ('refund_failed', 'en', 'A refund of {{1}} for order {{2}} at {{3}} failed. We are looking into it.',
    '[{"name": "amount", "type": "paise"}, {"name": "order_id", "type": "text", "max": 100}, {"name": "company", "type": "text", "max": 60}]',
    'refund_failed'),
  ('refund_failed', 'hi', '{{3}} पर ऑर्डर {{2}} का {{1}} का रिफ़ंड नहीं हुआ। हम देख रहे हैं।',
    '[{"name": "amount", "type": "paise"}, {"name": "order_id", "type": "text", "max": 100}, {"name": "company", "type": "text", "max": 60}]',
    'refund_failed'),
  ('account_notice', 'en', 'A notice for {{1}}: {{2}} Your operator at LightSpeedPay can tell you more.',
    '[{"name": "company", "type": "text", "max": 60}, {"name": "text", "type": "text", "max": 600}]', 'account_notice'),
  ('account_notice', 'hi', '{{1}} के लिए सूचना: {{2}} अधिक जानकारी लाइटस्पीडपे के आपके ऑपरेटर से मिलेगी।',
    '[{"name": "company", "type": "text", "max": 60}, {"name": "text", "type": "text", "max": 600}]', 'account_notice');
