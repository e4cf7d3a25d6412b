-- Has every worker process take no more jobs of a queue: those at work are finished, those taken but not begun go back, new
-- ones wait. Holds until resume_queue, across restarts; a schedule's runs are skipped. Audited.
-- Errors: LS044 reason_needed, LS150 no_such_queue, LS151 queue_must_run, LS152 already_paused.
create or replace function public.pause_queue(p_queue text, p_reason text, p_actor text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  q constant public.queues := public.find_queue(p_queue, p_reason);
begin
  if not q.is_pausable then
    raise exception using errcode = 'LS151', message = 'this queue must run', detail = p_queue,
      hint = 'It watches the others: without it nobody would be told of a queue that stands still.';
  end if;
  insert into public.queues (queue, kind) values (q.queue, q.kind) on conflict do nothing;
  insert into public.paused_queues (queue, reason, paused_by) values (p_queue, btrim(p_reason), p_actor) on conflict do nothing;
  if not found then
    raise exception using errcode = 'LS152', message = 'this queue is paused already', detail = p_queue, hint = 'Resume it, or leave it.';
  end if;
  perform public.record_audit(p_actor, 'pause_queue', 'queues', p_queue, jsonb_build_object('reason', btrim(p_reason)));
end
$$;
revoke all on function public.pause_queue from public;
grant execute on function public.pause_queue to studio;
