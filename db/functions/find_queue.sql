-- The queue that an operator names, and their reason, before anything is done to it. A queue nobody serves any more (an egress
-- group that was given up) still holds its jobs.
-- Errors: LS150 no_such_queue, LS044 reason_needed.
create or replace function public.find_queue(p_queue text, p_reason text) returns public.queues
language plpgsql stable security definer set search_path = '' as $$
declare
  q public.queues;
begin
  if coalesce(btrim(p_reason), '') = '' then
    raise exception using errcode = 'LS044', message = 'say why', hint = 'The reason is kept in the audit trail.';
  end if;
  select * into q from public.queues where queue = p_queue;
  if not found then
    select identifier, 'task', null, false, true, 0, 0, null, null into q from graphile_worker._private_tasks where identifier = p_queue;
    if not found then
      raise exception using errcode = 'LS150', message = 'there is no such queue', detail = p_queue;
    end if;
  end if;
  return q;
end
$$;
revoke all on function public.find_queue from public;
