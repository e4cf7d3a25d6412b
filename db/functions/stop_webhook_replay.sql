-- Ends a replay before its time; events already in the queue are delivered. Audited; one that has ended stays as it is.
-- Errors: LS147 no_such_replay.
create or replace function public.stop_webhook_replay(p_replay_id uuid, p_reason text, p_actor text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_status text;
begin
  select status into v_status from public.webhook_replays where id = p_replay_id for update;
  if not found then
    raise exception using errcode = 'LS147', message = 'no such replay', detail = p_replay_id::text;
  elsif v_status <> 'running' then
    return;
  end if;
  update public.webhook_replays set status = 'stopped', note = 'Stopped by an operator.', finished_at = now() where id = p_replay_id;
  perform public.record_audit(p_actor, 'stop_webhook_replay', 'webhook_replays', p_replay_id::text, jsonb_build_object('reason', p_reason));
end
$$;
revoke all on function public.stop_webhook_replay from public;
grant execute on function public.stop_webhook_replay to studio;
