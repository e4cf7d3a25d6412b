-- Writes the event dispute.opened or dispute.closed into the outbox, adds its delivery job, and wakes the payment's status streams.
-- Called in the transaction that recorded the dispute.
create or replace function public.write_dispute_event(d public.disputes) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_event_id constant uuid := uuidv7();
  v_type constant text := 'dispute.' || case d.status when 'opened' then 'opened' else 'closed' end;
  v_is_sent constant boolean := (select webhook_url is not null and webhook_disabled_at is null from public.clients where id = d.client_id);
begin
  insert into public.webhook_events (id, client_id, transaction_id, dispute_id, type, status, next_retry_at, payload)
    values (v_event_id, d.client_id, d.transaction_id, d.id, v_type,
      case when v_is_sent then 'pending' else 'disabled' end, case when v_is_sent then now() end,
      json_build_object('id', v_event_id, 'type', v_type, 'timestamp', public.iso_time(clock_timestamp()), 'data', public.dispute_view(d)));
  if v_is_sent then
    perform graphile_worker.add_job('deliver_webhook', json_build_object('event_id', v_event_id), max_attempts => 25,
      job_key => 'deliver_webhook:' || v_event_id);
  end if;
  perform public.write_studio_event(v_type, d.client_id, public.dispute_view(d));
  perform pg_notify('transaction_status', d.transaction_id::text);
end
$$;
revoke all on function public.write_dispute_event from public;
