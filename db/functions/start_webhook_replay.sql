-- Has an endpoint's events of a time delivered again by the task replay_webhooks: all, the failed ones, or those kept while it
-- was disabled (p_which: all, failed, held). From p_from (included) to p_to; null = no bound, though what comes up after this
-- call is never part. At most 50,000, but for the held, which an endpoint that is enabled gets whole. Audited.
-- Errors: LS044 reason_needed, LS022 no_such_client, LS141 no_webhook_endpoint, LS144 replay_under_way, LS145 too_many_events,
-- LS146 nothing_to_replay.
create or replace function public.start_webhook_replay(
  p_endpoint_id uuid, p_which text, p_from timestamptz, p_to timestamptz, p_reason text, p_actor text
) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  v_client_id uuid;
  v_replay_id uuid;
  v_matched integer;
  v_until constant timestamptz := least(coalesce(p_to, clock_timestamp()), clock_timestamp());
begin
  if coalesce(p_reason, '') = '' then
    raise exception using errcode = 'LS044', message = 'a replay needs a reason', hint = 'Write why; it is kept in the audit log.';
  end if;
  v_client_id := public.require_webhook_endpoint(p_endpoint_id);
  v_matched := public.count_webhook_replay(p_endpoint_id, p_which, p_from, v_until);
  if v_matched = 0 then
    raise exception using errcode = 'LS146', message = 'no event of this time is to be replayed', hint = 'Choose another time, or all events.';
  elsif v_matched > 50000 and p_which <> 'held' then
    raise exception using errcode = 'LS145', message = 'more than 50,000 events', hint = 'Choose a shorter time.';
  end if;
  begin
    insert into public.webhook_replays (client_id, endpoint_id, which, starts_at, ends_at, after_id, before_id, matched, reason, requested_by)
      values (v_client_id, p_endpoint_id, p_which, p_from, p_to, public.first_uuid_at(coalesce(p_from, '1970-01-01T00:00:00Z')),
        public.first_uuid_at(v_until), v_matched, p_reason, p_actor)
      returning id into v_replay_id;
  exception when unique_violation then
    raise exception using errcode = 'LS144', message = 'a replay of this endpoint is under way', hint = 'Wait for its end, or stop it.';
  end;
  perform graphile_worker.add_job('replay_webhooks', json_build_object('replay_id', v_replay_id), max_attempts => 25,
    job_key => 'replay_webhooks:' || v_replay_id);
  perform public.record_audit(p_actor, 'start_webhook_replay', 'webhook_replays', v_replay_id::text,
    jsonb_build_object('client_id', v_client_id, 'endpoint_id', p_endpoint_id, 'which', p_which, 'from', p_from, 'to', p_to,
      'events', v_matched, 'reason', p_reason));
  return v_replay_id;
end
$$;
revoke all on function public.start_webhook_replay from public;
grant execute on function public.start_webhook_replay to studio;
