-- Adds a job for every gateway whose settlement report is to be pulled by now; p_providers are the PSPs that offer it to programs.
-- A gateway joins with its first payment, is asked hourly while it has payments or refunds, and daily once it had none for 45
-- days. The jobs start 60 ms apart, so that ten thousand gateways are asked over ten minutes. Returns how many, at most p_limit;
-- p_ahead jobs were added by the caller just before.
-- Locks: rows of settlement_accounts, skip locked.
create or replace function public.enqueue_settlement_pulls(p_providers text[], p_ahead integer default 0, p_limit integer default 5000)
returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_jobs graphile_worker.job_spec[];
begin
  insert into public.settlement_accounts (gateway_id, client_id, next_pull_at)
    select g.id, g.client_id, now() from public.payment_gateways g
      where g.provider = any(p_providers)
        and not exists (select from public.settlement_accounts s where s.gateway_id = g.id)
        and exists (select from public.payment_attempts a where a.gateway_id = g.id and a.settled_at is not null and a.status = 'succeeded')
      order by g.id
    on conflict do nothing;
  -- reports were imported by hand before the first payment
  update public.settlement_accounts s set next_pull_at = now()
    from public.payment_gateways g
    where s.next_pull_at is null and g.id = s.gateway_id and g.provider = any(p_providers);

  with due as (
    select s.gateway_id from public.settlement_accounts s
      where s.next_pull_at <= now() order by s.next_pull_at limit p_limit for update skip locked
  ), moved as (
    -- moved on here, so that a lost job costs an hour and no more
    update public.settlement_accounts s set next_pull_at = date_trunc('hour', now()) + case
        when exists (select from public.payment_attempts a where a.gateway_id = s.gateway_id and a.settled_at > now() - interval '45 days')
          or exists (select from public.refunds r where r.gateway_id = s.gateway_id and r.status = 'succeeded'
            and r.completed_at > now() - interval '45 days')
        then interval '1 hour' else interval '1 day' end
      from due where s.gateway_id = due.gateway_id
      returning s.gateway_id
  )
  select array_agg((public.egress_task('pull_settlement', gateway_id), json_build_object('gateway_id', gateway_id), null,
      now() + (p_ahead + m.place) * interval '60 milliseconds', 3,
      'pull_settlement:' || gateway_id, null, null)::graphile_worker.job_spec)
    into v_jobs from (select m.gateway_id, row_number() over (order by m.gateway_id) as place from moved m) m;
  if v_jobs is not null then
    perform graphile_worker.add_jobs(v_jobs);
  end if;
  return coalesce(cardinality(v_jobs), 0);
end
$$;
revoke all on function public.enqueue_settlement_pulls from public;
grant execute on function public.enqueue_settlement_pulls to jobs;
