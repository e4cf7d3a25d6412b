-- Closes an alert by hand; p_reason says what was done. When the trouble comes again it is a new alert. Audited.
-- Errors: LS180 no_such_alert, LS181 alert_is_resolved, LS044 reason_needed. Locks: the alert.
create or replace function public.resolve_alert(p_alert_id uuid, p_reason text, p_actor text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_alert public.alerts;
begin
  if coalesce(trim(p_reason), '') = '' then
    raise exception using errcode = 'LS044', message = 'say what was done about it';
  end if;
  select * into v_alert from public.alerts where id = p_alert_id for update;
  if not found then
    raise exception using errcode = 'LS180', message = 'no such alert', detail = p_alert_id::text;
  elsif v_alert.status = 'resolved' then
    raise exception using errcode = 'LS181', message = 'this alert is resolved',
      hint = 'Should it come again, it is a new one.';
  end if;
  update public.alerts set status = 'resolved', resolved_by = coalesce(nullif(p_actor, ''), session_user), note = p_reason
    where id = p_alert_id returning * into v_alert;
  perform public.record_audit(p_actor, 'resolve_alert', 'alerts', p_alert_id::text,
    jsonb_build_object('message', v_alert.message, 'reason', p_reason));
  return public.alert_view(v_alert);
end
$$;
revoke all on function public.resolve_alert from public;
grant execute on function public.resolve_alert to studio;
