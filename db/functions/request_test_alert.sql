-- Raises an alert that means nothing, critical so that every channel tells it: whoever waits for it sees that alerts arrive.
-- Resolving it sends the notice that it is over. At most one a minute, as every channel's people are called. Audited.
-- Errors: LS185 test_alert_too_soon. Returns the alert.
create or replace function public.request_test_alert(p_actor text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_key constant text := 'test_alert:' || gen_random_uuid();
  v_alert public.alerts;
begin
  perform pg_advisory_xact_lock(hashtext('request_test_alert'));
  if exists (select from public.alerts where kind = 'test_alert' and last_at > clock_timestamp() - interval '1 minute') then
    raise exception using errcode = 'LS185', message = 'a test alert was sent less than a minute ago';
  end if;
  perform public.raise_alert('test_alert', 'critical', 'This is a test: nothing is wrong. Resolve it to test the notice that an alert is over.',
    '{}', v_key);
  select * into strict v_alert from public.alerts where dedupe_key = v_key;
  perform public.record_audit(p_actor, 'request_test_alert', 'alerts', v_alert.id::text, jsonb_build_object('message', v_alert.message));
  return public.alert_view(v_alert);
end
$$;
revoke all on function public.request_test_alert from public;
grant execute on function public.request_test_alert to studio;
