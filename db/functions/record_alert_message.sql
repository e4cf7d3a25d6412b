-- What became of a message to a channel: said (p_error null), to be tried again, or given up (p_is_given_up). A channel that
-- has failed for good is itself an alert, which the other channels tell.
create or replace function public.record_alert_message(p_message_id uuid, p_error text, p_is_given_up boolean) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_channel text;
begin
  update public.alert_messages set error = left(p_error, 500),
      status = case when p_error is null then 'sent' when p_is_given_up then 'failed' else status end,
      sent_at = case when p_error is null then clock_timestamp() end
    where id = p_message_id and status = 'waiting' returning channel into v_channel;
  if found and p_is_given_up then
    perform public.raise_alert('alert_channel_failed', 'critical',
      format('Alerts do not reach the channel %s: %s', v_channel, left(p_error, 300)),
      jsonb_build_object('channel', v_channel), 'alert_channel_failed:' || v_channel);
  elsif found and p_error is null then
    update public.alerts set status = 'resolved' where dedupe_key = 'alert_channel_failed:' || v_channel and status <> 'resolved';
  end if;
end
$$;
revoke all on function public.record_alert_message from public;
grant execute on function public.record_alert_message to jobs;
