-- Asks workers to look an attempt up at the PSP soon, and the payment's other attempts that may have been paid: a payer came
-- back and watches the page, so they go before the look-ups of the schedule. Many requests make one job an attempt.
create or replace function public.request_confirmation(p_attempt_id uuid) returns void
language sql security definer set search_path = '' as $$
  select graphile_worker.add_job(public.egress_task('confirm_attempt', a.gateway_id), json_build_object('attempt_id', a.id),
      max_attempts => 5, job_key => 'confirm_attempt:' || a.id, priority => -1),
      pg_notify('job_lane', 'lookups')
    from public.payment_attempts a
    where a.transaction_id = (select transaction_id from public.payment_attempts where id = p_attempt_id)
      and (a.id = p_attempt_id or (a.psp_order_id is not null and a.status <> 'succeeded' and a.closed_at is null))
    order by a.id
$$;
revoke all on function public.request_confirmation from public;
grant execute on function public.request_confirmation to checkout, jobs;
