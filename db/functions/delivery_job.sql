-- The job that sends an event to its endpoint. A plain expression, which becomes part of the statement that asks for many.
create or replace function public.delivery_job(p_event_id uuid, p_priority integer default null) returns graphile_worker.job_spec
language sql stable as $$
  select ('deliver_webhook', json_build_object('event_id', p_event_id), null, null, 25, 'deliver_webhook:' || p_event_id, p_priority, null)::graphile_worker.job_spec
$$;
revoke all on function public.delivery_job from public;
