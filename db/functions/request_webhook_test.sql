-- Sends an endpoint a signed event of the type webhook.test, once, also when it is disabled or rests, whatever its filter. What
-- the merchant's test before was answered is forgotten. Audited. Returns the event's id.
-- Errors: LS022 no_such_client, LS141 no_webhook_endpoint, LS143 too_many_tests (ten a minute).
create or replace function public.request_webhook_test(p_endpoint_id uuid, p_actor text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  v_event_id constant uuid := uuidv7();
  v record;
begin
  select w.client_id, w.url, c.company_name into v
    from public.webhook_endpoints w join public.clients c on c.id = w.client_id
    where w.id = p_endpoint_id and w.removed_at is null;
  if not found and not exists (select from public.clients where id = p_endpoint_id) then
    raise exception using errcode = 'LS022', message = 'no such client', detail = p_endpoint_id::text;
  elsif v.client_id is null then
    raise exception using errcode = 'LS141', message = 'this merchant has no such endpoint', hint = 'Give it an address first.';
  elsif (select count(*) from public.webhook_tests
      where client_id = v.client_id and event_id >= public.first_uuid_at(now() - interval '1 minute')) >= 10 then
    raise exception using errcode = 'LS143', message = 'this merchant was tested ten times in a minute', hint = 'Wait a minute.';
  end if;
  insert into public.webhook_events (id, client_id, endpoint_id, type, next_retry_at, payload)
    values (v_event_id, v.client_id, nullif(p_endpoint_id, v.client_id), 'webhook.test', now(), json_build_object('id', v_event_id,
      'type', 'webhook.test', 'timestamp', public.iso_time(clock_timestamp()),
      'data', json_build_object('company_name', v.company_name, 'message', 'A test of this endpoint. No payment belongs to it.')));
  update public.webhook_tests set answer = null, content_type = null where client_id = v.client_id and answer is not null;
  insert into public.webhook_tests (event_id, client_id, requested_by) values (v_event_id, v.client_id, p_actor);
  perform graphile_worker.add_job('deliver_webhook', json_build_object('event_id', v_event_id), max_attempts => 3,
    job_key => 'deliver_webhook:' || v_event_id, priority => -10);
  perform pg_notify('job_lane', 'deliveries');
  perform public.record_audit(p_actor, 'test_webhook', 'clients', v.client_id::text,
    jsonb_build_object('event_id', v_event_id, 'endpoint_id', p_endpoint_id, 'url', v.url));
  return v_event_id;
end
$$;
revoke all on function public.request_webhook_test from public;
grant execute on function public.request_webhook_test to studio;
