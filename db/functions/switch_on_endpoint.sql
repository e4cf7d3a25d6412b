-- An endpoint begins with no past: not disabled, not resting, and its alert is resolved. What a try of before says of it no longer counts.
-- Locks: the endpoint.
create or replace function public.switch_on_endpoint(p_endpoint_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update public.webhook_endpoints set enabled_at = clock_timestamp(), disabled_at = null, disabled_because = null, failures = 0,
      resting_until = null, rests = 0, probe_event_id = null, failing_since = null, updated_at = now()
    where id = p_endpoint_id;
  perform public.close_endpoint_alert(p_endpoint_id);
end
$$;
revoke all on function public.switch_on_endpoint from public;
