-- The alert has reached the operators' channels.
create or replace function public.mark_alert_notified(p_alert_id uuid) returns void
language sql security definer set search_path = '' as $$
  update public.alerts set notified_at = now() where id = p_alert_id
$$;
revoke all on function public.mark_alert_notified from public;
grant execute on function public.mark_alert_notified to jobs;
