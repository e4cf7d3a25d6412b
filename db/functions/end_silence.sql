-- Ends the silence of an alert's key now; what was held back is sent. Audited. Does nothing when none lasts.
-- Errors: LS180 no_such_alert. Locks: the alert, then the silence.
create or replace function public.end_silence(p_alert_id uuid, p_actor text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_alert public.alerts;
begin
  select * into v_alert from public.alerts where id = p_alert_id for update;
  if not found then
    raise exception using errcode = 'LS180', message = 'no such alert', detail = p_alert_id::text;
  end if;
  delete from public.alert_silences where dedupe_key = v_alert.dedupe_key and silenced_until > clock_timestamp();
  if found then
    perform public.record_audit(p_actor, 'end_silence', 'alerts', p_alert_id::text,
      jsonb_build_object('message', v_alert.message, 'dedupe_key', v_alert.dedupe_key));
    perform public.enqueue_alert(a.id, a.dedupe_key) from public.alerts a
      where a.dedupe_key = v_alert.dedupe_key and a.status = 'open' and a.notified_at is null;
  end if;
  return public.alert_view(v_alert);
end
$$;
revoke all on function public.end_silence from public;
grant execute on function public.end_silence to studio;
