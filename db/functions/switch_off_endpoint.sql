-- Disables an endpoint (p_because = gone: it answered 410; failing: for five days; operator) and tells of it: an alert, unless
-- an operator did it; the event endpoint.disabled to the merchant's other endpoints and to the studio's flows. Nothing is sent
-- to it from this commit on; what is due, and what comes up, is kept until it is enabled. Nothing when it is disabled already, or was
-- enabled, or given another address, since the try that says so began (p_tried_at). Returns whether it is off.
-- Locks: the endpoint.
create or replace function public.switch_off_endpoint(p_endpoint_id uuid, p_because text, p_tried_at timestamptz default null)
returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  w record;
  v_data jsonb;
begin
  update public.webhook_endpoints set disabled_at = now(), disabled_because = p_because, updated_at = now(),
      failures = 0, resting_until = null, rests = 0, probe_event_id = null
    where id = p_endpoint_id and disabled_at is null and removed_at is null and coalesce(enabled_at < p_tried_at, true)
    returning id, client_id, url, failing_since into w;
  if not found then
    return not exists (select from public.webhook_endpoints where id = p_endpoint_id and disabled_at is null and removed_at is null);
  end if;
  v_data := jsonb_build_object('endpoint_id', w.id, 'url', w.url, 'reason', p_because,
    'failing_since', case when p_because = 'failing' then public.iso_time(w.failing_since) end);
  if p_because <> 'operator' then
    perform public.raise_alert('webhook_endpoint_disabled', 'warning',
      case p_because when 'gone' then 'A merchant''s webhook endpoint answered 410 Gone.'
        else 'A merchant''s webhook endpoint has taken no event for five days.' end
        || ' It is disabled: its events are kept, and sent when it is enabled again. After a change of address, replay them.',
      v_data, 'webhook_endpoint_disabled:' || w.id, w.client_id);
  end if;
  perform public.write_webhook_event(w.client_id, null, null, null, 'endpoint.disabled', v_data);
  perform public.write_studio_event('endpoint.disabled', w.client_id, v_data);
  return true;
end
$$;
revoke all on function public.switch_off_endpoint from public;
