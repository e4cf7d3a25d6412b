-- Asks a worker to look an attempt up at the PSP soon (the payer came back). Many requests make one job.
create or replace function public.request_confirmation(p_attempt_id uuid) returns void
language sql security definer set search_path = '' as $$
  select graphile_worker.add_job('confirm_attempt', json_build_object('attempt_id', p_attempt_id), max_attempts => 5,
    job_key => 'confirm_attempt:' || p_attempt_id)
$$;
revoke all on function public.request_confirmation from public;
grant execute on function public.request_confirmation to checkout, jobs;
