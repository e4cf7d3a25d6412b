-- Several endpoints for a merchant's events, each with its own filter, secret and state.

create table public.webhook_endpoints (
  -- The first endpoint of a merchant has the merchant's id: its address is clients.webhook_url, and it signs with
  -- clients.webhook_secret. Never deleted, as events name it without a foreign key.
  id uuid constraint webhook_endpoints_pkey primary key default uuidv7(),
  client_id uuid not null constraint webhook_endpoints_client_id_fkey references public.clients (id),
  url text not null constraint webhook_endpoints_url_check check (url ~ '^https?://'),
  description text constraint webhook_endpoints_description_check check (length(description) <= 200),
  -- payment.paid, a family (payment.*), or * for all
  event_types text[] not null default '{*}'
    constraint webhook_endpoints_event_types_check check (cardinality(event_types) between 1 and 30),
  secret text constraint webhook_endpoints_secret_check check (secret like 'v1.%'),
  -- signs beside the new one until then
  previous_secret text constraint webhook_endpoints_previous_secret_check check (previous_secret like 'v1.%'),
  previous_secret_until timestamptz,
  disabled_at timestamptz,
  disabled_because text
    constraint webhook_endpoints_disabled_because_check check (disabled_because in ('gone', 'failing', 'operator')),
  removed_at timestamptz,
  -- The breaker. Tries that failed since the last that did not, up to the fifth, which opens it:
  failures integer not null default 0,
  -- nothing is sent until then, and afterwards one event at a time, until one is taken
  resting_until timestamptz,
  -- in a row; each is longer than the one before
  rests integer not null default 0,
  probe_event_id uuid,
  -- null = the last try succeeded
  failing_since timestamptz,
  last_failure_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint webhook_endpoints_first_check check ((id = client_id) = (secret is null)),
  constraint webhook_endpoints_disabled_check check ((disabled_at is null) = (disabled_because is null))
) with (fillfactor = 70);
create index webhook_endpoints_client_id_idx on public.webhook_endpoints (client_id) where removed_at is null;

insert into public.webhook_endpoints (id, client_id, url, disabled_at, disabled_because)
  select id, id, webhook_url, webhook_disabled_at, case when webhook_disabled_at is not null then 'gone' end
    from public.clients where webhook_url is not null;
alter table public.clients drop column webhook_disabled_at;

alter table public.webhook_events
  -- null = the merchant's first endpoint, so that an event of a merchant with one is no larger than before
  add column endpoint_id uuid,
  -- what the merchant sees as the event's id, the same for all endpoints; null = the row's
  add column message_id uuid,
  drop constraint webhook_events_status_check,
  -- waiting: due, and its endpoint rests or has as many at a time as it may; unwanted: no endpoint wants the type
  add constraint webhook_events_status_check
    check (status in ('pending', 'waiting', 'delivered', 'dead', 'disabled', 'unwanted')),
  drop constraint webhook_events_transaction_id_check,
  add constraint webhook_events_transaction_id_check
    check (transaction_id is not null or type in ('webhook.test', 'endpoint.disabled'));
-- Events of a merchant with one endpoint are in none of these.
create index webhook_events_endpoint_id_idx on public.webhook_events (client_id, endpoint_id, id) where endpoint_id is not null;
create index webhook_events_waiting_idx on public.webhook_events ((coalesce(endpoint_id, client_id)), id) where status = 'waiting';

alter table public.webhook_replays
  add column endpoint_id uuid,
  drop constraint webhook_replays_which_check,
  add constraint webhook_replays_which_check check (which in ('all', 'failed', 'held'));
update public.webhook_replays set endpoint_id = client_id;
alter table public.webhook_replays alter column endpoint_id set not null;
drop index public.webhook_replays_running_key;
create unique index webhook_replays_running_key on public.webhook_replays (endpoint_id) where status = 'running';

insert into public.studio_event_types (type) values ('endpoint.disabled');

drop function if exists public.enable_webhook_endpoint(uuid, text, text);
drop function if exists public.require_webhook_endpoint(uuid);
drop function if exists public.request_webhook_test(uuid, text);
drop function if exists public.start_webhook_replay(uuid, text, timestamptz, timestamptz, text, text);
drop function if exists public.count_webhook_replay(uuid, text, timestamptz, timestamptz);
drop function if exists public.read_webhook_desk(uuid, text, text, integer);
drop function if exists public.read_webhook_log(uuid, text, text, uuid, integer);
drop function if exists public.read_webhook_replay(uuid);
