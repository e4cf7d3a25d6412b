-- record_delivery for many tries in one commit. p_tries: [{event_id, url, status_code, error, duration_ms, response_bytes,
-- retry_after_seconds}]. Answers what became of each event.
-- Locks: all events in id order, then endpoint by endpoint as record_delivery. Waits a quarter of a second at most (55P03), as
-- begin_psp_orders.
create or replace function public.record_deliveries(p_tries jsonb) returns table (event_id uuid, status text)
language plpgsql security definer set search_path = '' set lock_timeout = '250ms' as $$
begin
  perform from public.webhook_events e where e.id in (select (value ->> 'event_id')::uuid from jsonb_array_elements(p_tries))
    order by e.id for update;
  return query
    select t.event_id, public.record_delivery(t.event_id, t.url, t.status_code, t.error, t.duration_ms, t.response_bytes, t.retry_after_seconds)
      from (select x.* from jsonb_to_recordset(p_tries) as x (event_id uuid, url text, status_code integer, error text, duration_ms integer,
            response_bytes integer, retry_after_seconds integer)
          join public.webhook_events e on e.id = x.event_id
          order by coalesce(e.endpoint_id, e.client_id), e.id) t;
end
$$;
revoke all on function public.record_deliveries from public;
grant execute on function public.record_deliveries to jobs;
