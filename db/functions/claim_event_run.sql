-- Lets one studio process start a flow for an event, once in all: a start that has committed is never made again.
-- Returns "start"; "running" when it was started within p_patience and nobody has said how it ended; "over" when it ended,
-- or when nothing was heard of it for longer: then its studio has died in the middle, which is alerted and left to a person,
-- as nobody knows what the flow has done.
create or replace function public.claim_event_run(
  p_event_id uuid, p_flow_id uuid, p_process text, p_patience interval default '10 minutes'
) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_run public.studio_event_runs;
begin
  insert into public.studio_event_runs (event_id, flow_id, started_by) values (p_event_id, p_flow_id, p_process)
    on conflict do nothing;
  if found then
    return 'start';
  end if;
  select * into strict v_run from public.studio_event_runs where event_id = p_event_id and flow_id = p_flow_id for update;
  if v_run.status <> 'started' then
    return 'over';
  elsif v_run.started_at > clock_timestamp() - p_patience then
    return 'running';
  end if;
  update public.studio_event_runs set status = 'interrupted' where event_id = p_event_id and flow_id = p_flow_id;
  perform public.raise_alert('flow_interrupted', 'warning',
    'The studio ended while a flow was running. See in the flow''s log how far it came, and do the rest by hand.',
    jsonb_build_object('flow_id', p_flow_id, 'studio_event_id', p_event_id, 'started_at', public.iso_time(v_run.started_at)),
    'flow_interrupted:' || p_flow_id);
  return 'over';
end
$$;
revoke all on function public.claim_event_run from public;
grant execute on function public.claim_event_run to studio;
