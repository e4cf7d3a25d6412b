-- Base backups and the restores that tested them, one row a run; the files are where BACKUP_DIR says.
create table public.backups (
  id uuid constraint backups_pkey primary key default uuidv7(),
  kind text not null constraint backups_kind_check check (kind in ('base', 'restore_test')),
  -- the directory of the base backup
  label text not null constraint backups_label_check check (length(label) between 1 and 100),
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  result text not null default 'running'
    constraint backups_result_check check (result in ('running', 'succeeded', 'failed')),
  -- on disk, compressed
  bytes bigint constraint backups_bytes_check check (bytes >= 0),
  -- without all of this WAL the backup cannot be restored
  wal_from pg_lsn,
  wal_to pg_lsn,
  -- every file was compared with the manifest; of a restore test: and check_invariants() found nothing
  verified_at timestamptz,
  -- why it failed
  error text,
  details jsonb not null default '{}',
  constraint backups_finished_at_check check ((finished_at is null) = (result = 'running'))
);
create index backups_kind_id_idx on public.backups (kind, id desc);

-- What merchants may ask in a minute and at once; a plan's numbers are those of all merchants on it.
create table public.rate_plans (
  name text constraint rate_plans_pkey primary key constraint rate_plans_name_check check (name ~ '^[a-z][a-z0-9_]{1,30}$'),
  requests_per_minute integer not null
    constraint rate_plans_requests_per_minute_check check (requests_per_minute between 1 and 1000000),
  burst_per_second integer not null constraint rate_plans_burst_per_second_check check (burst_per_second between 1 and 100000)
);
insert into public.rate_plans (name, requests_per_minute, burst_per_second) values
  ('starter', 100, 20), ('growth', 600, 60), ('scale', 6000, 300), ('enterprise', 60000, 2000);

alter table public.clients
  -- null = rate_limit_per_minute and burst_per_second are this merchant's own
  add column rate_plan text constraint clients_rate_plan_fkey references public.rate_plans (name),
  -- null = as many at once as a minute allows
  add column burst_per_second integer constraint clients_burst_per_second_check check (burst_per_second > 0);

alter table public.client_usage
  add column burst_started_at timestamptz not null default '2000-01-01T00:00:00Z',
  add column burst_count integer not null default 0;

-- Their answers say what is left of the limit.
drop function if exists public.initiate_payments(jsonb);
drop function if exists public.admit_request(uuid, text);

-- What one address may do before anybody knows who it is. One row.
create table public.address_policy (
  id integer constraint address_policy_pkey primary key default 1 constraint address_policy_id_check check (id = 1),
  requests_per_minute integer not null default 6000
    constraint address_policy_requests_per_minute_check check (requests_per_minute > 0),
  burst_per_second integer not null default 500 constraint address_policy_burst_per_second_check check (burst_per_second > 0),
  -- refused credentials within five minutes, more than accepted ones, that block it
  most_strikes integer not null default 30 constraint address_policy_most_strikes_check check (most_strikes > 0),
  -- requests of a minute, refused ones included, that block it: so many times the limit
  flood_factor integer not null default 3 constraint address_policy_flood_factor_check check (flood_factor > 1),
  -- the first block; each further one within a day is twice as long, up to the longest
  block_seconds integer not null default 600 constraint address_policy_block_seconds_check check (block_seconds between 1 and 86400),
  longest_block_seconds integer not null default 86400
    constraint address_policy_longest_block_seconds_check check (longest_block_seconds between 1 and 2592000)
);
insert into public.address_policy default values;

-- What processes have told each other of addresses that are busy or fail; worth nothing after ten minutes, so not logged.
create unlogged table public.address_usage (
  -- an IPv6 network of 64 bits counts as one
  address inet not null,
  minute timestamptz not null,
  requests integer not null default 0,
  authenticated integer not null default 0,
  strikes integer not null default 0,
  constraint address_usage_pkey primary key (address, minute)
);
create index address_usage_minute_idx on public.address_usage (minute);

create table public.address_blocks (
  id uuid constraint address_blocks_pkey primary key default uuidv7(),
  address inet not null,
  reason text not null constraint address_blocks_reason_check check (reason in ('refused_credentials', 'flood')),
  -- refused credentials of five minutes, or requests of one
  count integer not null,
  blocked_at timestamptz not null default clock_timestamp(),
  blocked_until timestamptz not null,
  lifted_at timestamptz,
  lifted_by text,
  lift_reason text constraint address_blocks_lift_reason_check check (length(lift_reason) between 1 and 500)
);
create index address_blocks_blocked_until_idx on public.address_blocks (blocked_until) where lifted_at is null;
create index address_blocks_address_idx on public.address_blocks (address, blocked_at);
