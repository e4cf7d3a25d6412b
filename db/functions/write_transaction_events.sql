-- Writes the event payment.<status> for each transaction into the outbox, adds its delivery job, and wakes the status
-- streams (channel transaction_status, payload transaction id), and adds the messages by WhatsApp that the merchant asked for.
-- Called in the transaction that changed the status.
-- A merchant without an endpoint gets an event that is kept but not sent (disabled). Where a flow of the studio wants it, it
-- gets the event too.
create or replace function public.write_transaction_events(p_transaction_ids uuid[]) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_jobs graphile_worker.job_spec[];
begin
  with written as (
    insert into public.webhook_events (id, client_id, transaction_id, type, status, next_retry_at, payload)
      select n.id, t.client_id, t.id, 'payment.' || t.status,
          case when c.webhook_url is null or c.webhook_disabled_at is not null then 'disabled' else 'pending' end,
          case when c.webhook_url is null or c.webhook_disabled_at is not null then null else now() end,
          json_build_object('id', n.id, 'type', 'payment.' || t.status, 'timestamp', public.iso_time(clock_timestamp()),
            'data', public.transaction_view(t))
        from public.transactions t
        join public.clients c on c.id = t.client_id
        cross join lateral (select uuidv7() as id, t.id as of_transaction) n
        where t.id = any (p_transaction_ids)
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
