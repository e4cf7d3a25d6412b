-- Counts a try that an endpoint did not take. The fifth in a row, or one answered with Retry-After, lets it rest: 15, 30, 60 s
-- and so on up to 5 min, or as long as Retry-After says, 5 min at most; what fails meanwhile was sent before and does not
-- count. Returns whether it has failed for five days without taking anything; two days without a try begin anew.
-- Locks: the endpoint.
create or replace function public.note_endpoint_failure(p_endpoint_id uuid, p_event_id uuid, p_retry_after_seconds integer) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  w public.webhook_endpoints;
  v_rest_seconds integer;
begin
  select * into w from public.webhook_endpoints where id = p_endpoint_id for no key update;
  if not found then
    return false;
  end if;
  if w.failing_since is null or w.last_failure_at < now() - interval '2 days' then
    w.failing_since := now();
  end if;
  if w.resting_until is null or w.probe_event_id = p_event_id then
    w.failures := w.failures + 1;
    v_rest_seconds := greatest(case when w.failures >= 5 then 15 * 2 ^ least(w.rests, 5) else 0 end, coalesce(p_retry_after_seconds, 0));
    w.resting_until := case when v_rest_seconds > 0 then now() + interval '1 second' * least(v_rest_seconds, 300) end;
    w.rests := w.rests + (w.failures >= 5)::integer;
    w.probe_event_id := null;
  end if;
  update public.webhook_endpoints set failures = w.failures, resting_until = w.resting_until, rests = w.rests,
      probe_event_id = w.probe_event_id, failing_since = w.failing_since, last_failure_at = now()
    where id = p_endpoint_id;
  return w.failing_since <= now() - interval '5 days';
end
$$;
revoke all on function public.note_endpoint_failure from public;
