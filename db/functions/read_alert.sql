-- An alert to be sent, or null when it was sent or resolved meanwhile, or is silenced (the end of a silence has its own job).
create or replace function public.read_alert(p_alert_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select to_jsonb(a) from public.alerts a where id = p_alert_id and notified_at is null and status <> 'resolved'
    and not exists (select from public.alert_silences s where s.dedupe_key = a.dedupe_key and s.silenced_until > clock_timestamp())
$$;
revoke all on function public.read_alert from public;
grant execute on function public.read_alert to jobs;
