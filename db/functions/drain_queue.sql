-- Throws away every job of a queue that no worker has: waiting, for later, failed, dead; at most p_limit at a time. Only where
-- nothing is lost by it (queues.is_discardable: notices, whose alert or log stays). A job that moves money, or tells a
-- merchant about it, is never thrown away: redriven, it finds what was done meanwhile and ends by itself.
-- Returns {jobs, more}. Audited.
-- Errors: LS044 reason_needed, LS150 no_such_queue, LS155 not_drainable.
create or replace function public.drain_queue(p_queue text, p_reason text, p_actor text, p_limit integer default 10000) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  q constant public.queues := public.find_queue(p_queue, p_reason);
  v_ids bigint[];
begin
  if not q.is_discardable then
    raise exception using errcode = 'LS155', message = 'the jobs of this queue are never thrown away', detail = p_queue,
      hint = 'They move money or tell somebody about it. Pause the queue while you look into it; redrive what is dead.';
  end if;
  v_ids := array(
    select id from graphile_worker._private_jobs
      where task_id = (select id from graphile_worker._private_tasks where identifier = p_queue) and locked_at is null
      order by id limit p_limit for update skip locked);
  perform graphile_worker.complete_jobs(v_ids);
  perform public.record_audit(p_actor, 'drain_queue', 'queues', p_queue,
    jsonb_build_object('reason', btrim(p_reason), 'jobs', cardinality(v_ids)));
  return jsonb_build_object('jobs', cardinality(v_ids), 'more', cardinality(v_ids) = p_limit);
end
$$;
revoke all on function public.drain_queue from public;
grant execute on function public.drain_queue to studio;
