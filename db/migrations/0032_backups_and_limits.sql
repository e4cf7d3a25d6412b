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
