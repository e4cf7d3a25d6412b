-- What to say in a channel now, or null when there is nothing (left) to say:
--   raised    the alert, unless it is resolved or silenced by now (skipped; the end of a silence has its own job)
--   resolved  the alert, if its channel was told that it is there; {"is_early": true} while that is still under way
-- A channel hears ten messages in ten minutes; what comes beyond is held for a summary, which follows within two minutes.
-- (Workers that send at the same instant may overshoot by as many.) Locks: the message.
create or replace function public.begin_alert_message(p_message_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  c_most constant integer := 10;
  v_message public.alert_messages;
  v_alert public.alerts;
  v_raised text;
begin
  select * into v_message from public.alert_messages where id = p_message_id for update;
  if not found or v_message.status <> 'waiting' then
    return null;
  end if;
  select * into strict v_alert from public.alerts where id = v_message.alert_id;
  if v_message.occasion = 'resolved' then
    select status into v_raised from public.alert_messages
      where alert_id = v_message.alert_id and channel = v_message.channel and occasion = 'raised' order by id desc limit 1;
    if v_raised = 'waiting' then
      return jsonb_build_object('is_early', true);
    end if;
  end if;
  if v_message.occasion = 'raised' and (v_alert.status = 'resolved' or exists (
        select from public.alert_silences s where s.dedupe_key = v_alert.dedupe_key and s.silenced_until > clock_timestamp()))
      or v_message.occasion = 'resolved' and v_raised is distinct from 'sent' then
    update public.alert_messages set status = 'skipped' where id = p_message_id;
    return null;
  end if;
  if (select count(*) from public.alert_messages where channel = v_message.channel and not is_summarised
      and sent_at > clock_timestamp() - interval '10 minutes') >= c_most then
    update public.alert_messages set status = 'held' where id = p_message_id;
    perform graphile_worker.add_job('send_alert_summary', json_build_object('channel', v_message.channel), max_attempts => 8,
      run_at => now() + interval '2 minutes', job_key => 'send_alert_summary:' || v_message.channel, job_key_mode => 'preserve_run_at');
    return null;
  end if;
  return jsonb_build_object('is_early', false, 'channel', v_message.channel, 'occasion', v_message.occasion,
    'alert', public.alert_view(v_alert));
end
$$;
revoke all on function public.begin_alert_message from public;
grant execute on function public.begin_alert_message to jobs;
