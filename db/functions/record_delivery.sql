-- Records one try to deliver an event, and decides what follows: delivered on 2xx; on 410 the endpoint is disabled until its
-- address is changed; else the next try after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h (with up to 10 % jitter, about
-- 75 h in all, counted from the last replay; a Retry-After of up to a day is honoured); then the event is dead and an alert is
-- raised. A test event is tried once, and what becomes of it has no consequence.
-- Locks: the event.
create or replace function public.record_delivery(
  p_event_id uuid, p_url text, p_status_code integer, p_error text, p_duration_ms integer, p_response_bytes integer,
  p_retry_after_seconds integer
) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_delays constant integer[] := array[5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400];
  v_event public.webhook_events;
  v_status text := 'pending';
  v_next timestamptz;
  -- since the last replay, this one included
  v_tries integer;
  v_error constant text := coalesce(p_error, case when p_status_code not between 200 and 299 then 'HTTP ' || p_status_code end);
begin
  select * into v_event from public.webhook_events where id = p_event_id for update;
  if not found or v_event.status <> 'pending' then
    return v_event.status;
  end if;
  v_tries := v_event.attempts - v_event.attempts_before + 1;
  insert into public.webhook_deliveries (event_id, attempt_no, url, status_code, error, duration_ms, response_bytes)
    values (p_event_id, v_event.attempts + 1, p_url, p_status_code, p_error, p_duration_ms, p_response_bytes);
  if v_error is null then
    v_status := 'delivered';
  elsif v_event.type = 'webhook.test' then
    v_status := 'dead';
  elsif p_status_code = 410 then
    v_status := 'disabled';
    update public.clients set webhook_disabled_at = now() where id = v_event.client_id and webhook_disabled_at is null;
    perform public.raise_alert('webhook_endpoint_disabled', 'warning',
      'A merchant''s webhook endpoint answered 410 Gone. Nothing is sent to it until its address is changed.',
      jsonb_build_object('url', p_url), 'webhook_endpoint_disabled:' || v_event.client_id, v_event.client_id);
  elsif v_tries > cardinality(v_delays) then
    v_status := 'dead';
    perform public.raise_alert('webhook_dead', 'warning', 'An event could not be delivered to a merchant in about 75 hours.',
      jsonb_build_object('event_id', p_event_id, 'last_error', v_error), 'webhook_dead:' || v_event.client_id, v_event.client_id);
  else
    v_next := now() + interval '1 second' * greatest(
      v_delays[v_tries] * (1 + random() * 0.1), least(coalesce(p_retry_after_seconds, 0), 86400));
    perform graphile_worker.add_job('deliver_webhook', json_build_object('event_id', p_event_id), run_at => v_next,
      max_attempts => 25, job_key => 'deliver_webhook:' || p_event_id);
  end if;
  update public.webhook_events set
      status = v_status, attempts = attempts + 1, last_error = v_error, next_retry_at = v_next,
      delivered_at = case when v_status = 'delivered' then now() else delivered_at end
    where id = p_event_id;
  return v_status;
end
$$;
revoke all on function public.record_delivery from public;
grant execute on function public.record_delivery to jobs;
