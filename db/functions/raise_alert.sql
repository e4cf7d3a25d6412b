-- Opens an alert and has it sent; while one with the same p_dedupe_key is open it is only counted (at most every ten
-- seconds, so that a flood of refusals does not queue on one row), and sent again when it was last sent an hour ago. While
-- the key is silenced it is counted and sent when the silence ends (enqueue_alert). A new alert is an event for the
-- studio's flows, unless it is silenced or comes from a flow, which would then answer itself.
create or replace function public.raise_alert(
  p_kind text, p_severity text, p_message text, p_details jsonb, p_dedupe_key text, p_client_id uuid default null
) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_alert_id uuid;
begin
  loop
    insert into public.alerts (kind, severity, message, details, dedupe_key, client_id)
      values (p_kind, p_severity, p_message, p_details, p_dedupe_key, p_client_id)
      on conflict (dedupe_key) where status <> 'resolved' do nothing
      returning id into v_alert_id;
    if v_alert_id is not null then
      if not public.enqueue_alert(v_alert_id, p_dedupe_key) and p_kind not in ('raised_by_flow', 'flow_interrupted') then
        perform public.write_studio_event('alert.raised', p_client_id, jsonb_build_object('alert_id', v_alert_id,
          'kind', p_kind, 'severity', p_severity, 'message', p_message, 'client_id', p_client_id, 'details', p_details));
      end if;
      return;
    end if;
    update public.alerts set count = count + 1, last_at = clock_timestamp()
      where id = (select id from public.alerts
        where dedupe_key = p_dedupe_key and status <> 'resolved' and last_at < clock_timestamp() - interval '10 seconds'
        for update skip locked)
      returning id into v_alert_id;
    -- else the one that was open has been resolved since
    exit when v_alert_id is not null or exists (select from public.alerts where dedupe_key = p_dedupe_key and status <> 'resolved');
  end loop;
  update public.alerts set notified_at = null
    where id = v_alert_id and status = 'open' and notified_at < clock_timestamp() - interval '1 hour';
  if found then
    perform public.enqueue_alert(v_alert_id, p_dedupe_key);
  end if;
end
$$;
revoke all on function public.raise_alert from public;
grant execute on function public.raise_alert to jobs;
