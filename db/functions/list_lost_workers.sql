-- Worker processes that hold jobs for longer than p_after and do not beat at all: given up before (list_dead_workers), one went on for a
-- moment and took more. The caller unlocks their jobs with graphile_worker.force_unlock_workers. Reads all jobs.
create or replace function public.list_lost_workers(p_after interval) returns setof text
language sql security definer set search_path = '' as $$
  select distinct j.locked_by from graphile_worker._private_jobs j
    where j.locked_at < clock_timestamp() - p_after
      and not exists (select from public.worker_heartbeats h where h.worker_id = j.locked_by)
$$;
revoke all on function public.list_lost_workers from public;
grant execute on function public.list_lost_workers to jobs;
