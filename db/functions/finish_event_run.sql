-- Says how a flow that claim_event_run let start has ended; p_error null = well.
create or replace function public.finish_event_run(p_event_id uuid, p_flow_id uuid, p_error text) returns void
language sql security definer set search_path = '' as $$
  update public.studio_event_runs set status = case when p_error is null then 'finished' else 'failed' end,
      finished_at = clock_timestamp(), error = left(p_error, 500)
    where event_id = p_event_id and flow_id = p_flow_id
$$;
revoke all on function public.finish_event_run from public;
grant execute on function public.finish_event_run to studio;
