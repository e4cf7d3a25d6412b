-- A worker process says that it is alive.
create or replace function public.beat_worker(p_worker_id text) returns void
language sql security definer set search_path = '' as $$
  insert into public.worker_heartbeats (worker_id, beat_at) values (p_worker_id, clock_timestamp())
    on conflict (worker_id) do update set beat_at = excluded.beat_at
$$;
revoke all on function public.beat_worker from public;
grant execute on function public.beat_worker to jobs;
