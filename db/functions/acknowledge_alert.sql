-- Somebody takes an alert on: it is not sent again while it lasts. p_note says what they do about it (may be null).
-- Audited. Doing it twice changes nothing.
-- Errors: LS180 no_such_alert, LS181 alert_is_resolved. Locks: the alert.
create or replace function public.acknowledge_alert(p_alert_id uuid, p_note text, p_actor text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_alert public.alerts;
begin
  select * into v_alert from public.alerts where id = p_alert_id for update;
  if not found then
    raise exception using errcode = 'LS180', message = 'no such alert', detail = p_alert_id::text;
  elsif v_alert.status = 'resolved' then
    raise exception using errcode = 'LS181', message = 'this alert is resolved',
      hint = 'Should it come again, it is a new one.';
  elsif v_alert.status = 'acknowledged' then
    return public.alert_view(v_alert);
  end if;
  update public.alerts set status = 'acknowledged', acknowledged_at = clock_timestamp(),
      acknowledged_by = coalesce(nullif(p_actor, ''), session_user), note = coalesce(p_note, note)
    where id = p_alert_id returning * into v_alert;
  perform public.record_audit(p_actor, 'acknowledge_alert', 'alerts', p_alert_id::text,
    jsonb_build_object('message', v_alert.message, 'note', p_note));
  return public.alert_view(v_alert);
end
$$;
revoke all on function public.acknowledge_alert from public;
grant execute on function public.acknowledge_alert to studio;
