-- What is needed for sending events to their endpoints, secrets as ciphertext. What is not returned is not to be sent now: the event
-- is done with, its endpoint is disabled (the event is kept), or rests (the event waits for release_webhooks). After a rest one event
-- goes ahead and the others wait for what becomes of it. A test event is sent in any case.
-- Locks: none, but, endpoint by endpoint in id order, of events that wait and of the endpoint for the one that goes ahead; then as
-- hold_events, for those of disabled ones.
-- Waits a quarter of a second at most (55P03) unless p_is_alone, as begin_psp_orders.
create or replace function public.begin_deliveries(p_event_ids uuid[], p_is_alone boolean)
returns table (
  event_id uuid, transaction_id uuid, message_id uuid, type text, endpoint_id uuid, client_id uuid, url text, secret text,
  previous_secret text, is_probe boolean, is_troubled boolean, body text, attempt integer
)
language plpgsql security definer set search_path = '' set lock_timeout = '250ms' set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  r record;
  v_held uuid[] := '{}';
begin
  if p_is_alone then
    set local lock_timeout = 0;
  end if;
  for r in
    select w.disabled_at, w.resting_until, w.failures > 0 as is_failing,
        e.id, e.transaction_id, coalesce(e.message_id, e.id) as message_id, e.type, coalesce(e.endpoint_id, e.client_id) as endpoint_id,
        e.client_id, case when w.removed_at is null then w.url end as url, coalesce(w.secret, c.webhook_secret) as secret,
        case when w.secret is null then case when c.previous_webhook_secret_until > now() then c.previous_webhook_secret end
          when w.previous_secret_until > now() then w.previous_secret end as previous_secret,
        e.payload::text as body, e.attempts + 1 as attempt
      from public.webhook_events e
      join public.clients c on c.id = e.client_id
      -- by its key alone: with removed_at in the condition a plan made while there are few endpoints reads all of them
      left join public.webhook_endpoints w on w.id = coalesce(e.endpoint_id, e.client_id)
      where e.id = any (p_event_ids) and e.status = 'pending'
      order by coalesce(e.endpoint_id, e.client_id), e.id
  loop
    is_probe := false;
    if r.url is null or r.disabled_at is not null and r.type <> 'webhook.test' then
      v_held := v_held || r.id;
      continue;
    elsif r.resting_until is not null and r.type <> 'webhook.test' then
      -- As long as a try may take; should its worker be killed, the next one goes ahead then.
      update public.webhook_endpoints set probe_event_id = r.id, resting_until = now() + interval '30 seconds'
        where id = r.endpoint_id and resting_until <= now();
      if not found then
        perform public.park_delivery(r.id);
        continue;
      end if;
      is_probe := true;
    end if;
    event_id := r.id;
    transaction_id := r.transaction_id;
    message_id := r.message_id;
    type := r.type;
    endpoint_id := r.endpoint_id;
    client_id := r.client_id;
    url := r.url;
    secret := r.secret;
    previous_secret := r.previous_secret;
    is_troubled := r.is_failing or is_probe;
    body := r.body;
    attempt := r.attempt;
    return next;
  end loop;
  if v_held <> '{}' then
    perform public.hold_events(v_held);
  end if;
end
$$;
revoke all on function public.begin_deliveries from public;
grant execute on function public.begin_deliveries to jobs;
