-- Lets an event wait whose endpoint has as many at a time as it may, or rests: the next delivery that ends, or the schedule
-- release_webhooks, puts it back into the queue. No try is counted.
create or replace function public.park_delivery(p_event_id uuid) returns void
language sql security definer set search_path = '' as $$
  update public.webhook_events set status = 'waiting', next_retry_at = null where id = p_event_id and status = 'pending'
$$;
revoke all on function public.park_delivery from public;
grant execute on function public.park_delivery to jobs;
