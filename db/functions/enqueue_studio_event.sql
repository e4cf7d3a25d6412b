-- Adds the job that brings an event to the studio; one job an event.
create or replace function public.enqueue_studio_event(p_event_id uuid, p_run_at timestamptz) returns void
language sql security definer set search_path = '' as $$
  select graphile_worker.add_job('emit_studio_event', json_build_object('event_id', p_event_id), run_at => p_run_at,
    max_attempts => 10, job_key => 'emit_studio_event:' || p_event_id)
$$;
revoke all on function public.enqueue_studio_event from public;
