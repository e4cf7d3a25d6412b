-- Asks a worker to look an attempt up at the PSP soon: a payer came back and watches the page, so it goes before the look-ups
-- of the schedule. Many requests make one job.
create or replace function public.request_confirmation(p_attempt_id uuid) returns void
language sql security definer set search_path = '' as $$
  select graphile_worker.add_job('confirm_attempt', json_build_object('attempt_id', p_attempt_id), max_attempts => 5,
    job_key => 'confirm_attempt:' || p_attempt_id, priority => -1)
$$;
revoke all on function public.request_confirmation from public;
grant execute on function public.request_confirmation to checkout, jobs;
