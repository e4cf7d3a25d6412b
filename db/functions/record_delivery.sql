-- Records one try to deliver an event, and decides what follows: delivered on 2xx; on 410 the endpoint is disabled; else the
-- next try after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h (with up to 10 % jitter, 75.6 to 83.1 h in all, counted from the
-- last replay; a Retry-After of up to a day is honoured); then the event is dead and an alert is raised. An endpoint that has
-- taken nothing for five days is disabled too. A test event is tried once, and what becomes of it has no consequence.
-- A try that ends makes room for the next event that waits for it; one that succeeds ends the endpoint's rest.
-- Locks: the event, then the endpoint where it failed or failed before.
create or replace function public.record_delivery(
  p_event_id uuid, p_url text, p_status_code integer, p_error text, p_duration_ms integer, p_response_bytes integer,
  p_retry_after_seconds integer
) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_delays constant integer[] := array[5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400];
  v_event public.webhook_events;
  v_endpoint_id uuid;
  v_status text := 'pending';
  v_next timestamptz;
  -- since the last replay, this one included
  v_tries integer;
  v_error constant text := coalesce(p_error, case when p_status_code not between 200 and 299 then 'HTTP ' || p_status_code end);
  v_is_lost boolean := false;
begin
  select * into v_event from public.webhook_events where id = p_event_id for update;
  if not found or v_event.status <> 'pending' then
    return v_event.status;
  end if;
  v_endpoint_id := coalesce(v_event.endpoint_id, v_event.client_id);
  v_tries := v_event.attempts - v_event.attempts_before + 1;
  insert into public.webhook_deliveries (event_id, attempt_no, url, status_code, error, duration_ms, response_bytes)
    values (p_event_id, v_event.attempts + 1, p_url, p_status_code, p_error, p_duration_ms, p_response_bytes);
  if v_error is null then
    v_status := 'delivered';
  elsif v_event.type = 'webhook.test' then
    v_status := 'dead';
  elsif p_status_code = 410 then
    v_status := 'disabled';
    perform public.switch_off_endpoint(v_endpoint_id, 'gone');
  else
    v_is_lost := public.note_endpoint_failure(v_endpoint_id, p_event_id, p_retry_after_seconds);
    if v_is_lost then
      v_status := 'disabled';
      perform public.switch_off_endpoint(v_endpoint_id, 'failing');
    elsif v_tries > cardinality(v_delays) then
      v_status := 'dead';
      perform public.raise_alert('webhook_dead', 'warning', 'An event could not be delivered to a merchant in about 75 hours.',
        jsonb_build_object('event_id', p_event_id, 'last_error', v_error), 'webhook_dead:' || v_endpoint_id, v_event.client_id);
    else
      v_next := now() + interval '1 second' * greatest(
        v_delays[v_tries] * (1 + random() * 0.1), least(coalesce(p_retry_after_seconds, 0), 86400));
      perform graphile_worker.add_job('deliver_webhook', json_build_object('event_id', p_event_id), run_at => v_next,
        max_attempts => 25, job_key => 'deliver_webhook:' || p_event_id);
    end if;
  end if;
  update public.webhook_events set
      status = v_status, attempts = attempts + 1, last_error = v_error, next_retry_at = v_next,
      delivered_at = case when v_status = 'delivered' then now() else delivered_at end
    where id = p_event_id;
  if v_event.type <> 'webhook.test' then
    if v_status = 'delivered' then
      update public.webhook_endpoints set failures = 0, resting_until = null, rests = 0, probe_event_id = null, failing_since = null
        where id = v_endpoint_id and failing_since is not null;
    end if;
    if exists (select from public.webhook_events where coalesce(endpoint_id, client_id) = v_endpoint_id and status = 'waiting')
        and exists (select from public.webhook_endpoints where id = v_endpoint_id and resting_until is null and disabled_at is null) then
      perform public.release_deliveries(v_endpoint_id, 1);
    end if;
  end if;
  return v_status;
end
$$;
revoke all on function public.record_delivery from public;
grant execute on function public.record_delivery to jobs;
