-- Jobs that are locked for longer than they should be: for p_own_after by a worker of the process that asks (p_worker_ids; is_own), which
-- knows what it is at work on; for p_lost_after by one that does not beat at all: given up before (list_dead_workers), it went on for a
-- moment and took more. locking names the lock: a job that is taken again has another. Reads all jobs.
create or replace function public.list_stale_locks(p_worker_ids text[], p_own_after interval, p_lost_after interval)
returns table (job_id text, worker_id text, locking text, is_own boolean)
language sql stable security definer set search_path = '' as $$
  select j.id::text, j.locked_by, j.id || ' ' || j.locked_at, j.locked_by = any (p_worker_ids)
    from graphile_worker._private_jobs j
    where case when j.locked_by = any (p_worker_ids) then j.locked_at < clock_timestamp() - p_own_after
      else j.locked_at < clock_timestamp() - p_lost_after
        and not exists (select from public.worker_heartbeats h where h.worker_id = j.locked_by) end
$$;
revoke all on function public.list_stale_locks from public;
grant execute on function public.list_stale_locks to jobs;
