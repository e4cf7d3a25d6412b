-- Claims the comparison of the night that began last (03:00 in Asia/Kolkata): its date, or null when it was done. A night
-- that no process was up for is done by the next run; nothing of it is lost, as the comparison goes on from where it was.
create or replace function public.begin_reconciliation() returns date
language sql security definer set search_path = '' as $$
  insert into public.reconciliation_runs as r (night)
    values (((now() at time zone 'Asia/Kolkata') - interval '3 hours')::date)
    on conflict (night) do update set started_at = now() where r.finished_at is null
    returning night
$$;
revoke all on function public.begin_reconciliation from public;
grant execute on function public.begin_reconciliation to jobs;
