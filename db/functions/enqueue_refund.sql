-- Adds the job that sends a refund to its PSP, or asks there what became of it.
create or replace function public.enqueue_refund(r public.refunds) returns void
language sql security definer set search_path = '' as $$
  select graphile_worker.add_job(public.egress_task('refund_payment', r.gateway_id), json_build_object('refund_id', r.id),
    max_attempts => 5, job_key => 'refund_payment:' || r.id)
$$;
revoke all on function public.enqueue_refund from public;
