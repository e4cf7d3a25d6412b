-- An alert to be sent, or null when it was sent or resolved meanwhile.
create or replace function public.read_alert(p_alert_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select to_jsonb(a) from public.alerts a where id = p_alert_id and notified_at is null and status <> 'resolved'
$$;
revoke all on function public.read_alert from public;
grant execute on function public.read_alert to jobs;
