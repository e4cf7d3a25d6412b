-- Tells operators of a queue with more than ten dead jobs, and of one that has been paused for a quarter of an hour. Returns
-- how many such queues there are.
create or replace function public.watch_queues() returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_queue record;
  v_count integer := 0;
begin
  for v_queue in select * from public.queue_figures() where dead > 10 order by queue loop
    perform public.raise_alert('dead_jobs', 'critical',
      format('%s jobs of the queue %s have failed for good. Open Queues, look at their last error, put its cause right, and redrive them.',
        v_queue.dead, v_queue.queue),
      jsonb_build_object('queue', v_queue.queue, 'dead', v_queue.dead), 'dead_jobs:' || v_queue.queue);
    v_count := v_count + 1;
  end loop;
  for v_queue in
    select p.*, coalesce(f.waiting, 0) as waiting from public.paused_queues p left join public.queue_figures() f using (queue)
      where p.paused_at < now() - interval '15 minutes' order by queue
  loop
    perform public.raise_alert('queue_paused', 'warning',
      format('The queue %s has been paused since %s (%s); %s job(s) wait. Open Queues and resume it when its reason is gone.',
        v_queue.queue, to_char(v_queue.paused_at at time zone 'Asia/Kolkata', 'DD Mon HH24:MI'), v_queue.reason, v_queue.waiting),
      jsonb_build_object('queue', v_queue.queue, 'paused_by', v_queue.paused_by, 'waiting', v_queue.waiting), 'queue_paused:' || v_queue.queue);
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;
revoke all on function public.watch_queues from public;
grant execute on function public.watch_queues to jobs;
