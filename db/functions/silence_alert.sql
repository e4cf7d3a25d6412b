-- Keeps an alert's key quiet for p_minutes from now (at most 30 days; again = another time and reason): repetitions are
-- counted, also as new alerts after this one is resolved, and what is open when it ends is sent then. Audited.
-- Errors: LS180 no_such_alert, LS182 invalid_duration, LS044 reason_needed. Locks: the alert, then the silence.
create or replace function public.silence_alert(p_alert_id uuid, p_minutes integer, p_reason text, p_actor text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_alert public.alerts;
  v_until constant timestamptz := clock_timestamp() + p_minutes * interval '1 minute';
begin
  if coalesce(trim(p_reason), '') = '' then
    raise exception using errcode = 'LS044', message = 'say why it may be silent';
  elsif p_minutes is null or p_minutes not between 1 and 43200 then
    raise exception using errcode = 'LS182', message = 'a silence lasts from a minute to 30 days';
  end if;
  select * into v_alert from public.alerts where id = p_alert_id for update;
  if not found then
    raise exception using errcode = 'LS180', message = 'no such alert', detail = p_alert_id::text;
  end if;
  insert into public.alert_silences (dedupe_key, silenced_until, silenced_by, reason)
    values (v_alert.dedupe_key, v_until, coalesce(nullif(p_actor, ''), session_user), p_reason)
    on conflict (dedupe_key) do update
      set silenced_until = v_until, silenced_by = excluded.silenced_by, silenced_at = now(), reason = excluded.reason;
  perform public.record_audit(p_actor, 'silence_alert', 'alerts', p_alert_id::text, jsonb_build_object(
    'message', v_alert.message, 'until', public.iso_time(v_until), 'reason', p_reason, 'dedupe_key', v_alert.dedupe_key));
  perform public.enqueue_alert(a.id, a.dedupe_key) from public.alerts a
    where a.dedupe_key = v_alert.dedupe_key and a.status = 'open' and a.notified_at is null;
  return public.alert_view(v_alert);
end
$$;
revoke all on function public.silence_alert from public;
grant execute on function public.silence_alert to studio;
