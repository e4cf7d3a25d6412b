-- Ends a pause. Audited, with how long it was. Errors: LS044 reason_needed, LS150 no_such_queue, LS153 not_paused.
create or replace function public.resume_queue(p_queue text, p_reason text, p_actor text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  q constant public.queues := public.find_queue(p_queue, p_reason);
  v_paused_at timestamptz;
begin
  delete from public.paused_queues where queue = q.queue returning paused_at into v_paused_at;
  if not found then
    raise exception using errcode = 'LS153', message = 'this queue is not paused', detail = p_queue, hint = 'Somebody has resumed it meanwhile.';
  end if;
  perform public.record_audit(p_actor, 'resume_queue', 'queues', p_queue, jsonb_build_object(
    'reason', btrim(p_reason), 'paused_seconds', round(extract(epoch from clock_timestamp() - v_paused_at))));
  -- Workers look every two seconds, and at once when told of a job.
  perform pg_notify('jobs:insert', '{"count":1}');
end
$$;
revoke all on function public.resume_queue from public;
grant execute on function public.resume_queue to studio;
