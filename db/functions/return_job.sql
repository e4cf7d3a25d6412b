-- Gives a job that a worker has taken but not begun back to the queue, the try uncounted: its queue was paused meanwhile.
-- Does nothing when the job is no longer the worker's.
create or replace function public.return_job(p_job_id bigint, p_worker_id text) returns void
language sql security definer set search_path = '' as $$
  update graphile_worker._private_jobs
    set attempts = greatest(0, attempts - 1), locked_by = null, locked_at = null
    where id = p_job_id and locked_by = p_worker_id
$$;
revoke all on function public.return_job from public;
grant execute on function public.return_job to jobs;
