-- Has events delivered anew, under their ids and with their bytes: their schedule of tries starts again now, the tries made are
-- kept. Later in the queue than new events where p_priority is above 0.
-- Locks: the events.
create or replace function public.requeue_webhook_events(p_event_ids uuid[], p_priority integer) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_ids uuid[];
begin
  perform from public.webhook_events where id = any (p_event_ids) order by id for update;
  with requeued as (
    update public.webhook_events set status = 'pending', attempts_before = attempts, next_retry_at = now()
      where id = any (p_event_ids)
      returning id
  )
  select coalesce(array_agg(id order by id), '{}') into v_ids from requeued;
  perform pg_notify('job_lane', 'deliveries') from graphile_worker.add_jobs(array(select public.delivery_job(id, p_priority) from unnest(v_ids) id));
  return cardinality(v_ids);
end
$$;
revoke all on function public.requeue_webhook_events from public;
