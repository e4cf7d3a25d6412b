-- Writes an event for a merchant into the outbox, a row for each endpoint that wants its type, and adds the delivery jobs, as
-- write_transaction_events does for payments. Called in the transaction that made it true. An event about a payment is kept
-- also when nobody is sent it; one about an endpoint (no transaction) is not.
create or replace function public.write_webhook_event(
  p_client_id uuid, p_transaction_id uuid, p_refund_id uuid, p_dispute_id uuid, p_type text, p_data jsonb
) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_id constant uuid := uuidv7();
  v_jobs graphile_worker.job_spec[];
  v_held uuid[];
begin
  with written as (
    insert into public.webhook_events
        (id, client_id, endpoint_id, message_id, transaction_id, refund_id, dispute_id, type, status, next_retry_at, payload)
      select case when w.id <> p_client_id then uuidv7() else v_id end, p_client_id, nullif(w.id, p_client_id),
          case when w.id <> p_client_id then v_id end, p_transaction_id, p_refund_id, p_dispute_id, p_type,
          case when w.id is null then public.unsent_status(p_client_id) when w.disabled_at is null then 'pending' else 'disabled' end,
          case when w.disabled_at is null and w.id is not null then now() end,
          json_build_object('id', v_id, 'type', p_type, 'timestamp', public.iso_time(clock_timestamp()), 'data', p_data)
        from (values (1)) one
        left join public.webhook_endpoints w on w.client_id = p_client_id and w.removed_at is null
          and w.event_types && array['*', split_part(p_type, '.', 1) || '.*', p_type]
        where p_transaction_id is not null or w.disabled_at is null and w.id is not null
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
end
$$;
revoke all on function public.write_webhook_event from public;
