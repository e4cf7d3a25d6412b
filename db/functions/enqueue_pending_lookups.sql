-- Adds a job for every attempt, refund and payout whose state at the PSP should be asked again by now: orders not known to exist go
-- through create_psp_order (which looks them up first), other attempts through confirm_attempt, refunds through
-- refund_payment, payouts through collect_payout. The rhythm is lookup_delay. Returns how many, at most p_limit of each.
create or replace function public.enqueue_pending_lookups(p_limit integer default 1000) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_jobs graphile_worker.job_spec[];
  v_refund_jobs graphile_worker.job_spec[];
  v_payout_jobs graphile_worker.job_spec[];
begin
  with due as (
    select id from public.payment_attempts
      where next_lookup_at <= now()
      order by next_lookup_at limit p_limit for update skip locked
  ), moved as (
    -- moved on here so that a lost job delays a look-up and never ends it; nothing is asked for longer than 8 days
    update public.payment_attempts a set
        next_lookup_at = case when created_at > now() - interval '8 days' then now() + public.lookup_delay(lookups + 1) end,
        lookups = lookups + 1
      from due where a.id = due.id
      returning a.id, a.psp_order_id, a.gateway_id
  )
  select array_agg((public.egress_task(task.name, gateway_id), json_build_object('attempt_id', id), null, null, task.tries,
      task.name || ':' || id, null, null)::graphile_worker.job_spec)
    into v_jobs
    from moved cross join lateral (select case when psp_order_id is null then 'create_psp_order' else 'confirm_attempt' end as name,
      case when psp_order_id is null then 3 else 5 end as tries) task;
  with due as (
    select id from public.refunds
      where next_lookup_at <= now()
      order by next_lookup_at limit p_limit for update skip locked
  ), moved as (
    update public.refunds r set next_lookup_at = now() + public.lookup_delay(lookups + 1), lookups = lookups + 1
      from due where r.id = due.id
      returning r.id, r.gateway_id
  )
  select array_agg((public.egress_task('refund_payment', gateway_id), json_build_object('refund_id', id), null, null, 5,
      'refund_payment:' || id, null, null)::graphile_worker.job_spec)
    into v_refund_jobs from moved;
  with due as (
    select id from public.payouts
      where next_lookup_at <= now()
      order by next_lookup_at limit p_limit for update skip locked
  ), moved as (
    -- settle_payout counts the look-ups
    update public.payouts p set next_lookup_at = now() + greatest(public.lookup_delay(lookups + 1), interval '2 minutes')
      from due where p.id = due.id
      returning p.id, p.client_id
  )
  select array_agg((public.collection_task(client_id), json_build_object('payout_id', id), null, null, 5,
      'collect_payout:' || id, null, null)::graphile_worker.job_spec)
    into v_payout_jobs from moved;
  if v_jobs is not null or v_refund_jobs is not null or v_payout_jobs is not null then
    perform graphile_worker.add_jobs(v_jobs || v_refund_jobs || v_payout_jobs);
  end if;
  return greatest(coalesce(cardinality(v_jobs), 0), coalesce(cardinality(v_refund_jobs), 0), coalesce(cardinality(v_payout_jobs), 0));
end
$$;
revoke all on function public.enqueue_pending_lookups from public;
grant execute on function public.enqueue_pending_lookups to jobs;
