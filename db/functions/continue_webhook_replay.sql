-- One step of a replay: when its batch was tried (once), puts the next 50 events into the queue, and adds the job of the next
-- step. It stops by itself when the endpoint is disabled or gone, when it took none of a batch, and when it rests: what was
-- sent goes on by its own schedule, what waits for the endpoint to come back is sent then. Returns its status.
-- Locks: the replay, then the events of the batch.
create or replace function public.continue_webhook_replay(p_replay_id uuid) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_replay public.webhook_replays;
  v_other uuid;
  w record;
  v_waiting integer;
  v_taken integer;
  v_batch uuid[];
  v_stop text;
begin
  select * into v_replay from public.webhook_replays where id = p_replay_id for update;
  if not found or v_replay.status <> 'running' then
    return v_replay.status;
  end if;
  v_other := nullif(v_replay.endpoint_id, v_replay.client_id);
  select disabled_at, resting_until into w from public.webhook_endpoints where id = v_replay.endpoint_id and removed_at is null;
  if not found or w.disabled_at is not null then
    v_stop := 'The endpoint was disabled.';
  end if;
  select count(*) filter (where status in ('pending', 'waiting') and attempts = attempts_before), count(*) filter (where status = 'delivered')
    into v_waiting, v_taken
    from public.webhook_events where id = any (v_replay.batch);
  if v_waiting > 0 and v_stop is null and w.resting_until is null then
    perform graphile_worker.add_job('replay_webhooks', json_build_object('replay_id', p_replay_id), max_attempts => 25,
      run_at => now() + interval '1 second', job_key => 'replay_webhooks:' || p_replay_id);
    return v_replay.status;
  end if;
  if v_stop is not null then
    null;
  elsif v_taken = 0 and v_waiting = 0 and cardinality(v_replay.batch) > 0 then
    v_stop := format('The endpoint took none of the last %s event(s).', cardinality(v_replay.batch));
  elsif w.resting_until is not null and cardinality(v_replay.batch) > 0 then
    v_stop := 'The endpoint does not take events now. Those that were sent are tried again by themselves.';
  elsif v_replay.which in ('failed', 'held') then
    v_batch := array(select id from public.webhook_events
      where client_id = v_replay.client_id and id > v_replay.after_id and id < v_replay.before_id and is_failed
        and endpoint_id is not distinct from v_other and (v_replay.which = 'failed' or status = 'disabled')
      order by id limit 50);
  else
    v_batch := array(select id from public.webhook_events
      where client_id = v_replay.client_id and id > v_replay.after_id and id < v_replay.before_id
        and type <> 'webhook.test' and status <> 'unwanted' and (status not in ('pending', 'waiting') or attempts > attempts_before)
        and endpoint_id is not distinct from v_other
      order by id limit 50);
  end if;
  update public.webhook_replays set
      status = case when v_stop is not null then 'stopped' when cardinality(v_batch) = 0 then 'done' else 'running' end,
      note = v_stop,
      finished_at = case when v_stop is not null or cardinality(v_batch) = 0 then now() end,
      replayed = replayed + coalesce(cardinality(v_batch), 0),
      matched = greatest(matched, replayed + coalesce(cardinality(v_batch), 0)),
      delivered = delivered + v_taken,
      batch = coalesce(v_batch, '{}'),
      after_id = coalesce(v_batch[cardinality(v_batch)], after_id)
    where id = p_replay_id
    returning * into v_replay;
  if v_replay.status = 'running' then
    perform public.requeue_webhook_events(v_batch, 10);
    perform graphile_worker.add_job('replay_webhooks', json_build_object('replay_id', p_replay_id), max_attempts => 25,
      run_at => now() + interval '1 second', job_key => 'replay_webhooks:' || p_replay_id);
  end if;
  return v_replay.status;
end
$$;
revoke all on function public.continue_webhook_replay from public;
grant execute on function public.continue_webhook_replay to jobs;
