-- Writes the event payment.<status> for each transaction into the outbox, adds its delivery job, and wakes the status
-- streams (channel transaction_status, payload transaction id), and adds the messages by WhatsApp that the merchant asked for.
-- Called in the transaction that changed the status.
-- One row for each endpoint that wants the type. What nobody wants is kept (unwanted), and so is what a merchant without an
-- endpoint, or one that is disabled, is not sent (disabled). Endpoints are only read: no lock on them. Where a flow of the
-- studio wants it, it gets the event too.
create or replace function public.write_transaction_events(p_transaction_ids uuid[]) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_jobs graphile_worker.job_spec[];
begin
  with happened as (
    select t, t.client_id, 'payment.' || t.status as type, uuidv7() as id from public.transactions t where t.id = any (p_transaction_ids)
  ), written as (
    insert into public.webhook_events (id, client_id, endpoint_id, message_id, transaction_id, type, status, next_retry_at, payload)
      select case when w.id <> h.client_id then uuidv7() else h.id end, h.client_id, nullif(w.id, h.client_id),
          case when w.id <> h.client_id then h.id end, (h.t).id, h.type,
          case when w.id is null then public.unsent_status(h.client_id) when w.disabled_at is null then 'pending' else 'disabled' end,
          case when w.disabled_at is null and w.id is not null then now() end,
          json_build_object('id', h.id, 'type', h.type, 'timestamp', public.iso_time(clock_timestamp()),
            'data', public.transaction_view(h.t))
        from happened h
        left join public.webhook_endpoints w on w.client_id = h.client_id and w.removed_at is null
          and w.event_types && array['*', 'payment.*', h.type]
      returning id, status
  )
  select array_agg(('deliver_webhook', json_build_object('event_id', id), null, null, 25, 'deliver_webhook:' || id, null, null)::graphile_worker.job_spec)
    into v_jobs from written where status = 'pending';
  if v_jobs is not null then
    perform graphile_worker.add_jobs(v_jobs);
  end if;
  perform public.write_whatsapp_updates((select jsonb_agg(jsonb_build_object('event', 'payment.' || t.status, 'client_id', t.client_id,
      'key', t.id, 'amount', t.amount, 'order_id', t.order_id))
    from public.transactions t join public.whatsapp_preferences p on p.client_id = t.client_id and p.updates <> '[]'
    where t.id = any (p_transaction_ids)));
  if exists (select from public.studio_event_types where is_wanted and type in ('payment.paid', 'payment.failed', 'payment.expired')) then
    perform public.write_studio_event('payment.' || t.status, t.client_id, public.transaction_view(t))
      from public.transactions t where t.id = any (p_transaction_ids);
  end if;
  perform pg_notify('transaction_status', id::text) from unnest(p_transaction_ids) id;
end
$$;
revoke all on function public.write_transaction_events from public;
