-- Ends the comparison of a night with what it found, and alerts when exceptions have been open for longer than p_age; the alert
-- resolves when none has. Returns how many those are.
-- Locks: alerts.
create or replace function public.finish_reconciliation(p_night date, p_result jsonb, p_age interval default '3 days') returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_old integer;
  v_oldest timestamptz;
  v_amount bigint;
begin
  update public.reconciliation_runs set finished_at = now(), result = p_result where night = p_night;
  select count(*), min(opened_at), sum(abs(coalesce(stated, 0) - coalesce(expected, 0))) into v_old, v_oldest, v_amount
    from public.reconciliation_exceptions where status = 'open' and id < public.first_uuid_at(now() - p_age);
  if v_old = 0 then
    update public.alerts set status = 'resolved' where dedupe_key = 'reconciliation_waits' and status <> 'resolved';
  else
    perform public.raise_alert('reconciliation_waits', 'warning',
      format('%s difference(s) between our books and the PSPs'' settlement reports are open for more than %s day(s).', v_old, extract(day from p_age)),
      jsonb_build_object('exceptions', v_old, 'oldest', public.iso_time(v_oldest), 'amount', v_amount), 'reconciliation_waits');
  end if;
  return v_old;
end
$$;
revoke all on function public.finish_reconciliation from public;
grant execute on function public.finish_reconciliation to jobs;
