-- Alerts that people handle, events for the studio's flows, and an audit trail that is searched by person and by action.

alter table public.alerts
  add column acknowledged_at timestamptz,
  add column acknowledged_by text,
  add column resolved_at timestamptz,
  -- null = by itself, when what it warned of was over
  add column resolved_by text,
  add column note text constraint alerts_note_check check (length(note) <= 500);
-- the open ones are few and looked at every half second
create index alerts_unresolved_idx on public.alerts (last_at desc, id desc) where status <> 'resolved';
create index alerts_last_at_idx on public.alerts (last_at desc, id desc);

-- While it lasts, alerts with this key are counted and not sent.
create table public.alert_silences (
  dedupe_key text constraint alert_silences_pkey primary key,
  silenced_until timestamptz not null,
  silenced_by text not null,
  silenced_at timestamptz not null default now(),
  reason text not null constraint alert_silences_reason_check check (length(reason) between 1 and 500)
);

-- What flows may listen to. An event is written only while a flow wants its type, so that a payment pays for no outbox row
-- that nobody reads.
create table public.studio_event_types (
  type text constraint studio_event_types_pkey primary key,
  is_wanted boolean not null default false
);
insert into public.studio_event_types (type) values
  ('payment.paid'), ('payment.failed'), ('payment.expired'), ('refund.succeeded'), ('refund.failed'),
  ('gateway.cooled_down'), ('gateway.returned'), ('client.suspended'), ('client.activated'), ('alert.raised');

create table public.studio_events (
  id uuid constraint studio_events_pkey primary key default uuidv7(),
  -- one of studio_event_types; no key to it, which every payment would lock
  type text not null,
  client_id uuid constraint studio_events_client_id_fkey references public.clients (id),
  data jsonb not null,
  created_at timestamptz not null default now(),
  -- all flows that wanted it have run; or nobody could be reached for three days
  closed_at timestamptz
);
create index studio_events_created_at_idx on public.studio_events (created_at);

-- One start of one flow for one event; the key is what makes it exactly one.
create table public.studio_event_runs (
  event_id uuid not null constraint studio_event_runs_event_id_fkey references public.studio_events (id) on delete cascade,
  flow_id uuid not null,
  status text not null default 'started'
    constraint studio_event_runs_status_check check (status in ('started', 'finished', 'failed', 'interrupted')),
  -- the studio process
  started_by text not null,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  error text,
  constraint studio_event_runs_pkey primary key (event_id, flow_id)
);

alter table public.gateway_log
  drop constraint gateway_log_kind_check,
  add constraint gateway_log_kind_check
    check (kind in ('cooled_down', 'returned', 'recovered', 'cleared', 'activated', 'deactivated', 'paused'));

-- Pages of the audit trail, newest first, by what people ask it for.
create index audit_log_actor_id_idx on public.audit_log (actor, id);
create index audit_log_action_id_idx on public.audit_log (action, id);
create index audit_log_table_name_id_idx on public.audit_log (table_name, id);
