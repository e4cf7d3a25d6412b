-- Adds a job for every attempt whose state at the PSP should be asked again by now: orders not known to exist go through
-- create_psp_order (which looks them up first), the others through confirm_attempt. Returns how many.
create or replace function public.enqueue_pending_lookups(p_limit integer default 1000) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_jobs graphile_worker.job_spec[];
begin
  with due as (
    select id from public.payment_attempts
      where next_lookup_at <= now()
      order by next_lookup_at limit p_limit for update skip locked
  ), moved as (
    -- moved on here so that a lost job delays a look-up and never ends it; nothing is asked for longer than 8 days
    update public.payment_attempts a set
        next_lookup_at = case when created_at > now() - interval '8 days'
          then now() + least(interval '1 day', interval '2 minutes' * power(2, lookups)) end,
        lookups = least(lookups + 1, 10)
      from due where a.id = due.id
      returning a.id, a.psp_order_id
  )
  select array_agg(case when psp_order_id is null
      then ('create_psp_order', json_build_object('attempt_id', id), null, null, 3, 'create_psp_order:' || id, null, null)::graphile_worker.job_spec
      else ('confirm_attempt', json_build_object('attempt_id', id), null, null, 5, 'confirm_attempt:' || id, null, null)::graphile_worker.job_spec end)
    into v_jobs from moved;
  if v_jobs is not null then
    perform graphile_worker.add_jobs(v_jobs);
  end if;
  return coalesce(cardinality(v_jobs), 0);
end
$$;
revoke all on function public.enqueue_pending_lookups from public;
grant execute on function public.enqueue_pending_lookups to jobs;
