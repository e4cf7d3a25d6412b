-- The alert is told: in the log it stands already, and each of p_channels gets a message with a job of its own, so that a
-- channel that fails holds up no other. Of one key a channel hears at most every 30 minutes: an alert that comes again
-- sooner (after it was resolved) is told when they are over, if it is open then. Locks: the alert.
create or replace function public.mark_alert_notified(p_alert_id uuid, p_channels text[] default '{}') returns void
language plpgsql security definer set search_path = '' as $$
declare
  c_period constant interval := interval '30 minutes';
  v_alert public.alerts;
  v_channel text;
  v_last timestamptz;
  v_message_id uuid;
begin
  update public.alerts set notified_at = clock_timestamp() where id = p_alert_id and notified_at is null returning * into v_alert;
  if not found then
    return;
  end if;
  foreach v_channel in array p_channels loop
    select max(created_at) into v_last from public.alert_messages
      where channel = v_channel and dedupe_key = v_alert.dedupe_key and occasion = 'raised'
        and status in ('waiting', 'held', 'sent') and created_at > clock_timestamp() - c_period;
    insert into public.alert_messages (alert_id, channel, occasion, dedupe_key, due_at)
      values (p_alert_id, v_channel, 'raised', v_alert.dedupe_key, coalesce(v_last + c_period, clock_timestamp())) returning id into v_message_id;
    perform graphile_worker.add_job('send_alert_message', json_build_object('message_id', v_message_id), max_attempts => 8,
      run_at => coalesce(v_last + c_period, now()));
  end loop;
end
$$;
revoke all on function public.mark_alert_notified from public;
grant execute on function public.mark_alert_notified to jobs;
