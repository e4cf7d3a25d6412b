-- What is needed for sending an event to its merchant, secret as ciphertext; null when nothing is to be sent any more. A test
-- event also goes to an endpoint that is disabled.
create or replace function public.begin_delivery(p_event_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_event record;
begin
  select e.*, c.webhook_url, c.webhook_secret, c.webhook_disabled_at,
      case when c.previous_webhook_secret_until > now() then c.previous_webhook_secret end as previous_webhook_secret
    into v_event
    from public.webhook_events e join public.clients c on c.id = e.client_id
    where e.id = p_event_id and e.status = 'pending';
  if not found then
    return null;
  end if;
  if v_event.webhook_url is null or (v_event.webhook_disabled_at is not null and v_event.type <> 'webhook.test') then
    update public.webhook_events set status = 'disabled', next_retry_at = null where id = p_event_id;
    return null;
  end if;
  return jsonb_build_object('event_id', v_event.id, 'type', v_event.type, 'url', v_event.webhook_url,
    'webhook_secret', v_event.webhook_secret, 'previous_webhook_secret', v_event.previous_webhook_secret,
    'client_id', v_event.client_id, 'body', v_event.payload::text, 'attempt', v_event.attempts + 1);
end
$$;
revoke all on function public.begin_delivery from public;
grant execute on function public.begin_delivery to jobs;
