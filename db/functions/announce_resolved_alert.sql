-- An alert that was told is over: its channels hear that as well. Nothing is added where no channel was to hear of it.
create or replace function public.announce_resolved_alert() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_message_id uuid;
begin
  update public.alert_messages set status = 'skipped'
    where alert_id = new.id and occasion = 'raised' and status = 'waiting' and due_at > clock_timestamp();
  for v_message_id in
    insert into public.alert_messages (alert_id, channel, occasion, dedupe_key)
      select distinct new.id, m.channel, 'resolved', new.dedupe_key from public.alert_messages m
        where m.alert_id = new.id and m.occasion = 'raised' and m.status in ('waiting', 'sent')
      returning id
  loop
    perform graphile_worker.add_job('send_alert_message', json_build_object('message_id', v_message_id), max_attempts => 8);
  end loop;
  return null;
end
$$;
revoke all on function public.announce_resolved_alert from public;
create or replace trigger alerts_announce_resolved after update of status on public.alerts
  for each row when (new.status = 'resolved' and old.status <> 'resolved') execute function public.announce_resolved_alert();
