-- People of the studio: what makes a change of rights count on every process, which sessions there are and when they were
-- used, and what the code last wrote into the studio's configuration. Triggers on the studio's own tables (directus/triggers.sql)
-- keep these; no operator writes them.

-- One row. Each process forgets what it knows of rights when the version is another than it knew.
create table public.studio_rights (
  id boolean constraint studio_rights_pkey primary key default true constraint studio_rights_id_check check (id),
  version bigint not null default 1
);
insert into public.studio_rights default values;

create table public.studio_session_uses (
  -- SHA-256 of the session's token: with the token itself one is in
  session bytea constraint studio_session_uses_pkey primary key,
  user_id uuid not null,
  started_at timestamptz not null default now(),
  last_used_at timestamptz not null default now()
);

-- Tokens of programs name no session. Those issued before this time are refused, because a session of the person was ended.
create table public.studio_token_floors (
  user_id uuid constraint studio_token_floors_pkey primary key,
  valid_from timestamptz not null
);

-- The rows of Directus' tables as the code last wrote them; what differs from them was changed by hand.
create table public.studio_configuration (
  table_name text not null,
  row_key jsonb not null,
  content jsonb not null,
  constraint studio_configuration_pkey primary key (table_name, row_key)
);

create table public.studio_drift (
  id uuid constraint studio_drift_pkey primary key default uuidv7(),
  found_at timestamptz not null default now(),
  table_name text not null,
  row_key text not null,
  kind text not null constraint studio_drift_kind_check check (kind in ('added', 'changed', 'removed')),
  -- as it was by hand, and as the code has it; of a change only what differs
  by_hand jsonb,
  by_code jsonb
);
