-- Records tries to deliver events, one an event, and decides what follows: delivered on 2xx; on 410 the endpoint is disabled, unless
-- it was enabled meanwhile; else the next try after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h (with up to 10 % jitter, 75.6 to
-- 83.1 h in all, counted from the last replay; a Retry-After of up to a day is honoured); then the event is dead and an alert is raised. An endpoint that has
-- taken nothing for five days is disabled too. A test event is tried once, and what becomes of it has no consequence.
-- A try that ends makes room for the next event that waits for it; one that succeeds ends the endpoint's rest.
-- p_tries: [{event_id, url, status_code, error, duration_ms, response_bytes, retry_after_seconds}]. Answers what became of each event;
-- one that is not pending stays as it is.
-- Locks: the turns of endpoints that answered 410 (hold_events); all events in id order; then, endpoint by endpoint, those that failed
-- or failed before. Waits a quarter of a second at most (55P03) unless p_is_alone, as begin_psp_orders.
create or replace function public.record_deliveries(p_tries jsonb, p_is_alone boolean) returns table (event_id uuid, status text)
language plpgsql security definer set search_path = '' set lock_timeout = '250ms' set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  v_delays constant integer[] := array[5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400];
  r record;
  -- the last one that failed in this call: a success after it ends what it began
  v_failed_endpoint uuid;
  v_next timestamptz;
begin
  if p_is_alone then
    set local lock_timeout = 0;
  end if;
  if p_tries @> '[{"status_code": 410}]' then
    -- In turn with whoever enables them: else one that seems off as it was would keep an event that nobody sends any more.
    perform pg_advisory_xact_lock_shared(hashtextextended('webhook_endpoint:' || gone.id, 0))
      from (select distinct coalesce(e.endpoint_id, e.client_id) as id
        from jsonb_to_recordset(p_tries) as x (event_id uuid, status_code integer) join public.webhook_events e on e.id = x.event_id
        where x.status_code = 410 order by 1) gone;
  end if;
  for r in
    with tried as materialized (
      select e.id, e.client_id, coalesce(e.endpoint_id, e.client_id) as endpoint_id, e.type, e.status, e.attempts,
          -- since the last replay, this one included
          e.attempts - e.attempts_before + 1 as tries,
          x.url, x.status_code, x.error, x.duration_ms, x.response_bytes, x.retry_after_seconds,
          coalesce(x.error, case when x.status_code not between 200 and 299 then 'HTTP ' || x.status_code end) as failure
        from jsonb_to_recordset(p_tries) as x (event_id uuid, url text, status_code integer, error text, duration_ms integer,
          response_bytes integer, retry_after_seconds integer)
        join public.webhook_events e on e.id = x.event_id
        order by e.id for update of e
    ), logged as (
      insert into public.webhook_deliveries (event_id, attempt_no, url, status_code, error, duration_ms, response_bytes)
        select id, attempts + 1, url, status_code, error, duration_ms, response_bytes from tried where status = 'pending'
    ), delivered as (
      update public.webhook_events e set status = 'delivered', attempts = e.attempts + 1, last_error = null, next_retry_at = null,
          delivered_at = now()
        from tried where e.id = tried.id and tried.status = 'pending' and tried.failure is null
    )
    select t.id, t.client_id, t.endpoint_id, t.type, t.status, t.tries, t.status_code, t.retry_after_seconds, t.failure,
        -- no later than it was: some seconds go by until an answer is recorded
        clock_timestamp() - (t.duration_ms + 5000) * interval '1 millisecond' as tried_at,
        w.failing_since is not null as has_failed,
        -- the next that waits, for whomever, by webhook_events_waiting_idx: of two indexes that fit a plain condition a plan may take the one
        -- that reads all that wait
        coalesce((select coalesce(n.endpoint_id, n.client_id) from public.webhook_events n
          where n.status = 'waiting' and coalesce(n.endpoint_id, n.client_id) >= t.endpoint_id
          order by coalesce(n.endpoint_id, n.client_id) limit 1) = t.endpoint_id, false) as has_waiting
      from tried t left join public.webhook_endpoints w on w.id = t.endpoint_id
      order by t.endpoint_id, t.id
  loop
    event_id := r.id;
    status := r.status;
    if r.status <> 'pending' then
      return next;
      continue;
    end if;
    if r.failure is null then
      status := 'delivered';
      if r.type <> 'webhook.test' and (r.has_failed or r.endpoint_id = v_failed_endpoint) then
        update public.webhook_endpoints set failures = 0, resting_until = null, rests = 0, probe_event_id = null, failing_since = null
          where id = r.endpoint_id and failing_since is not null;
      end if;
    else
      v_next := null;
      if r.type = 'webhook.test' then
        status := 'dead';
      elsif (case when r.status_code = 410 then public.switch_off_endpoint(r.endpoint_id, 'gone', r.tried_at) end) then
        status := 'disabled';
      else
        v_failed_endpoint := r.endpoint_id;
        if public.note_endpoint_failure(r.endpoint_id, r.id, r.retry_after_seconds) then
          status := 'disabled';
          perform public.switch_off_endpoint(r.endpoint_id, 'failing');
        elsif r.tries > cardinality(v_delays) then
          status := 'dead';
          perform public.raise_alert('webhook_dead', 'warning', 'An event could not be delivered to a merchant in about 75 hours.',
            jsonb_build_object('event_id', r.id, 'last_error', r.failure), 'webhook_dead:' || r.endpoint_id, r.client_id);
        else
          v_next := now() + interval '1 second' * greatest(
            v_delays[r.tries] * (1 + random() * 0.1), least(coalesce(r.retry_after_seconds, 0), 86400));
          perform graphile_worker.add_job('deliver_webhook', json_build_object('event_id', r.id), run_at => v_next,
            max_attempts => 25, job_key => 'deliver_webhook:' || r.id);
        end if;
      end if;
      update public.webhook_events e set status = record_deliveries.status, attempts = e.attempts + 1, last_error = r.failure,
          next_retry_at = v_next
        where e.id = r.id;
    end if;
    if r.has_waiting and r.type <> 'webhook.test' then
      perform public.release_deliveries(r.endpoint_id, 1)
        from public.webhook_endpoints where id = r.endpoint_id and resting_until is null and disabled_at is null;
    end if;
    return next;
  end loop;
end
$$;
revoke all on function public.record_deliveries from public;
grant execute on function public.record_deliveries to jobs;
