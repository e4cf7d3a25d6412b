-- Forgets worker processes that have not beaten for p_after and returns their ids, so that the caller unlocks their jobs
-- with graphile_worker.force_unlock_workers.
create or replace function public.list_dead_workers(p_after interval default '30 seconds') returns setof text
language sql security definer set search_path = '' as $$
  delete from public.worker_heartbeats where beat_at < clock_timestamp() - p_after returning worker_id
$$;
revoke all on function public.list_dead_workers from public;
grant execute on function public.list_dead_workers to jobs;
