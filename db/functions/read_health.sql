-- What the readiness check asks the database: its time, how long ago a worker was last alive, and the age of the oldest
-- due job (seconds; null = none).
create or replace function public.read_health() returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('database_time', public.iso_time(clock_timestamp()),
    'worker_seen_seconds_ago', (select round(extract(epoch from clock_timestamp() - max(beat_at)), 1) from public.worker_heartbeats),
    'oldest_job_seconds', (select round(extract(epoch from clock_timestamp() - min(run_at)), 1) from graphile_worker.jobs
      where locked_at is null and attempts < max_attempts and run_at <= clock_timestamp()))
$$;
revoke all on function public.read_health from public;
grant execute on function public.read_health to checkout, jobs, studio;
