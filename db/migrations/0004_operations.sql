-- What operators and the machinery need: alerts, audit, queue figures, heartbeats.

create table public.alerts (
  id uuid constraint alerts_pkey primary key default uuidv7(),
  kind text not null,
  severity text not null constraint alerts_severity_check check (severity in ('info', 'warning', 'critical')),
  message text not null,
  details jsonb not null default '{}',
  client_id uuid constraint alerts_client_id_fkey references public.clients (id),
  -- one open alert a key; a repetition raises its count
  dedupe_key text not null,
  count integer not null default 1,
  status text not null default 'open'
    constraint alerts_status_check check (status in ('open', 'acknowledged', 'resolved')),
  first_at timestamptz not null default now(),
  last_at timestamptz not null default now(),
  notified_at timestamptz
);
create unique index alerts_dedupe_key_key on public.alerts (dedupe_key) where status <> 'resolved';

create table public.audit_log (
  id uuid constraint audit_log_pkey primary key default uuidv7(),
  -- the person, when the studio said who it is; else the database role
  actor text not null,
  database_role text not null,
  address text,
  action text not null,
  table_name text not null,
  row_id text not null,
  before jsonb,
  after jsonb,
  created_at timestamptz not null default now()
);
create index audit_log_table_name_row_id_idx on public.audit_log (table_name, row_id, id);

create table public.queue_metrics (
  recorded_at timestamptz not null,
  queue text not null,
  waiting integer not null,
  active integer not null,
  failed integer not null,
  oldest_waiting_seconds integer not null,
  constraint queue_metrics_pkey primary key (recorded_at, queue)
);

create table public.worker_heartbeats (
  worker_id text constraint worker_heartbeats_pkey primary key,
  beat_at timestamptz not null default now()
);
