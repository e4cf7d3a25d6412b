-- Writes the event payment.<status> for each transaction into the outbox, adds its delivery job, and wakes the status
-- streams (channel transaction_status, payload transaction id), and adds the messages by WhatsApp that the merchant asked for.
-- Called in the transaction that changed the status, with the rows as they then were.
-- One row for each endpoint that wants the type. What nobody wants is kept (unwanted), and so is what a merchant without an
-- endpoint, or one that is disabled, is not sent (disabled). Endpoints are only read: no lock on them, unless one is
-- disabled (hold_events). Where a flow of the studio wants it, it gets the event too.
create or replace function public.write_transaction_events(p_transactions public.transactions[]) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_clients constant uuid[] := array(select (p_transactions[n]).client_id from generate_subscripts(p_transactions, 1) n);
  v_jobs graphile_worker.job_spec[];
  v_held uuid[];
  v_updates jsonb;
  v_is_wanted boolean;
begin
  with happened as (
    select p_transactions[n::integer] as t, c.id as client_id, 'payment.' || (p_transactions[n::integer]).status as type, uuidv7() as id
      from unnest(v_clients) with ordinality c (id, n)
  ), written as (
    insert into public.webhook_events (id, client_id, endpoint_id, message_id, transaction_id, type, status, next_retry_at, payload)
      select case when w.id <> h.client_id then uuidv7() else h.id end, h.client_id, nullif(w.id, h.client_id),
          case when w.id <> h.client_id then h.id end, (h.t).id, h.type,
          case when w.id is null then public.unsent_status(h.client_id) when w.disabled_at is null then 'pending' else 'disabled' end,
          case when w.disabled_at is null and w.id is not null then now() end,
          json_build_object('id', h.id, 'type', h.type, 'timestamp', public.iso_time(clock_timestamp()),
            'data', public.transaction_view(h.t))
        from happened h
        left join lateral (select * from public.webhook_endpoints e
            where e.client_id = h.client_id and e.removed_at is null and e.event_types && array['*', 'payment.*', h.type]
            -- for each merchant by its index: joined freely, a plan made while there are few endpoints reads all of them
            offset 0) w on true
      returning id, client_id, endpoint_id, status
  )
  select array_agg(public.delivery_job(id))
        filter (where status = 'pending'),
      array_agg(id) filter (where status = 'disabled' and exists (select from public.webhook_endpoints w
        where w.id = coalesce(written.endpoint_id, written.client_id) and w.removed_at is null))
    into v_jobs, v_held from written;
  if v_jobs is not null then
    perform pg_notify('job_lane', 'deliveries') from graphile_worker.add_jobs(v_jobs);
  end if;
  if v_held is not null then
    perform public.hold_events(v_held);
  end if;
  select jsonb_agg(jsonb_build_object('event', 'payment.' || (p_transactions[n::integer]).status, 'client_id', c.id, 'key', (p_transactions[n::integer]).id,
        'amount', (p_transactions[n::integer]).amount, 'order_id', (p_transactions[n::integer]).order_id)) filter (where p.client_id is not null),
      exists (select from public.studio_event_types where is_wanted and type in ('payment.paid', 'payment.failed', 'payment.expired'))
    into v_updates, v_is_wanted
    from unnest(v_clients) with ordinality c (id, n)
    left join public.whatsapp_preferences p on p.client_id = c.id and p.updates <> '[]';
  if v_updates is not null then
    perform public.write_whatsapp_updates(v_updates);
  end if;
  if v_is_wanted then
    perform public.write_studio_event('payment.' || t.status, t.client_id, public.transaction_view(t)) from unnest(p_transactions) t;
  end if;
  perform pg_notify('transaction_status', (p_transactions[n]).id::text) from generate_subscripts(p_transactions, 1) n;
end
$$;
revoke all on function public.write_transaction_events from public;
