-- What is needed for sending an event to its endpoint, secrets as ciphertext; null when nothing is to be sent now: the event
-- is done with, its endpoint is disabled (the event is kept), or rests (the event waits for release_webhooks). After a rest
-- one event goes ahead and the others wait for what becomes of it. A test event is sent in any case.
-- Locks: none, but of the endpoint for the event that goes ahead.
create or replace function public.begin_delivery(p_event_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v record;
  v_is_probe boolean := false;
begin
  select e.id, e.client_id, e.transaction_id, e.type, e.payload, e.attempts, coalesce(e.endpoint_id, e.client_id) as endpoint_id,
      coalesce(e.message_id, e.id) as message_id, w.url, w.disabled_at, w.resting_until, w.failures,
      coalesce(w.secret, c.webhook_secret) as secret,
      case when w.secret is null then case when c.previous_webhook_secret_until > now() then c.previous_webhook_secret end
        when w.previous_secret_until > now() then w.previous_secret end as previous_secret
    into v
    from public.webhook_events e
    join public.clients c on c.id = e.client_id
    left join public.webhook_endpoints w on w.id = coalesce(e.endpoint_id, e.client_id) and w.removed_at is null
    where e.id = p_event_id and e.status = 'pending';
  if not found then
    return null;
  end if;
  if v.url is null or v.disabled_at is not null and v.type <> 'webhook.test' then
    update public.webhook_events set status = 'disabled', next_retry_at = null where id = p_event_id;
    return null;
  end if;
  if v.resting_until is not null and v.type <> 'webhook.test' then
    -- As long as a try may take; should its worker be killed, the next one goes ahead then.
    update public.webhook_endpoints set probe_event_id = p_event_id, resting_until = now() + interval '30 seconds'
      where id = v.endpoint_id and resting_until <= now();
    v_is_probe := found;
    if not found then
      perform public.park_delivery(p_event_id);
      return null;
    end if;
  end if;
  return jsonb_build_object('event_id', v.id, 'transaction_id', v.transaction_id, 'message_id', v.message_id, 'type', v.type, 'endpoint_id', v.endpoint_id,
    'client_id', v.client_id, 'url', v.url, 'secret', v.secret, 'previous_secret', v.previous_secret,
    'is_probe', v_is_probe, 'is_troubled', v.failures > 0 or v_is_probe, 'body', v.payload::text, 'attempt', v.attempts + 1);
end
$$;
revoke all on function public.begin_delivery from public;
grant execute on function public.begin_delivery to jobs;
