-- Writes the event refund.<status> into the outbox, adds its delivery job, and wakes the payment's status streams. Called in
-- the transaction that settled the refund.
create or replace function public.write_refund_event(r public.refunds) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_event_id constant uuid := uuidv7();
  v_is_sent constant boolean := (select webhook_url is not null and webhook_disabled_at is null from public.clients where id = r.client_id);
begin
  insert into public.webhook_events (id, client_id, transaction_id, refund_id, type, status, next_retry_at, payload)
    values (v_event_id, r.client_id, r.transaction_id, r.id, 'refund.' || r.status,
      case when v_is_sent then 'pending' else 'disabled' end, case when v_is_sent then now() end,
      json_build_object('id', v_event_id, 'type', 'refund.' || r.status, 'timestamp', public.iso_time(clock_timestamp()),
        'data', public.refund_view(r)));
  if v_is_sent then
    perform graphile_worker.add_job('deliver_webhook', json_build_object('event_id', v_event_id), max_attempts => 25,
      job_key => 'deliver_webhook:' || v_event_id);
  end if;
  perform public.write_whatsapp_updates((select jsonb_agg(jsonb_build_object('event', 'refund.' || r.status, 'client_id', r.client_id,
      'key', r.id, 'amount', r.amount, 'order_id', t.order_id))
    from public.transactions t join public.whatsapp_preferences p on p.client_id = t.client_id and p.updates <> '[]'
    where t.id = r.transaction_id));
  perform public.write_studio_event('refund.' || r.status, r.client_id, public.refund_view(r));
  perform pg_notify('transaction_status', r.transaction_id::text);
end
$$;
revoke all on function public.write_refund_event from public;
