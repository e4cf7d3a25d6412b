-- A merchant's changeover to a new key and salt, test events, and replays of events.

-- The pair before stays valid beside the new one until then, so that the merchant's servers can change over one by one.
-- All null outside of such an overlap (an ended one may stay until the next change).
alter table public.clients
  add column previous_client_key text constraint clients_previous_client_key_key unique,
  add column previous_client_salt text
    constraint clients_previous_client_salt_check check (previous_client_salt like 'v1.%'),
  add column previous_credentials_until timestamptz,
  add constraint clients_previous_credentials_check
    check (num_nulls(previous_client_key, previous_client_salt, previous_credentials_until) in (0, 3));

drop function if exists public.regenerate_client_credentials(uuid, text, text, text, text);

alter table public.webhook_events
  -- null for a test event only
  alter column transaction_id drop not null,
  add constraint webhook_events_transaction_id_check check (transaction_id is not null or type = 'webhook.test'),
  -- tries made before the last replay, from which the schedule of tries starts anew
  add column attempts_before integer not null default 0,
  -- A delivery that succeeds does not change it, so its update stays heap-only beside the index below.
  add column is_failed boolean not null
    generated always as (status in ('dead', 'disabled') and type <> 'webhook.test') stored;
create index webhook_events_failed_idx on public.webhook_events (client_id, id) where is_failed;

-- What a merchant's endpoint answered to a test event. Kept apart from the events, which more people may read.
create table public.webhook_tests (
  event_id uuid constraint webhook_tests_pkey primary key
    constraint webhook_tests_event_id_fkey references public.webhook_events (id),
  client_id uuid not null constraint webhook_tests_client_id_fkey references public.clients (id),
  requested_by text not null,
  content_type text,
  -- the first KiB; null until there is an answer, and again when the merchant's next test begins
  answer text,
  created_at timestamptz not null default now()
);
create index webhook_tests_client_id_event_id_idx on public.webhook_tests (client_id, event_id);

-- Events of a merchant that an operator has delivered anew: batch after batch, each begun when the one before was tried.
create table public.webhook_replays (
  id uuid constraint webhook_replays_pkey primary key default uuidv7(),
  client_id uuid not null constraint webhook_replays_client_id_fkey references public.clients (id),
  which text not null constraint webhook_replays_which_check check (which in ('all', 'failed')),
  -- as asked for; null = no bound
  starts_at timestamptz,
  ends_at timestamptz,
  -- ids are in order of time: events after the first and before the second
  after_id uuid not null,
  before_id uuid not null,
  status text not null default 'running' constraint webhook_replays_status_check check (status in ('running', 'done', 'stopped')),
  matched integer not null,
  replayed integer not null default 0,
  delivered integer not null default 0,
  -- the events now on their way
  batch uuid[] not null default '{}',
  note text,
  reason text not null,
  requested_by text not null,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create index webhook_replays_client_id_id_idx on public.webhook_replays (client_id, id);
create unique index webhook_replays_running_key on public.webhook_replays (client_id) where status = 'running';
