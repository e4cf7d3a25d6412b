-- Records what became of one call of the provider, and decides what follows. Returns the message's status.
--
-- p_result: {outcome: accepted|refused|unknown, provider_message_id, action: retry|delay|stop, fault_of: provider|
-- configuration|recipient, delay_seconds, pause_seconds, http_status, code, message, latency_ms}
--   accepted  The provider has it; its webhooks tell the rest.
--   refused   Certainly not sent. stop: failed. retry, delay: see retry_whatsapp.
--   unknown   The answer was lost. Not sent again by itself; the provider's webhook or an operator decides.
-- fault_of provider counts towards the circuit (see begin_whatsapp); pause_seconds opens it at once. fault_of configuration
-- raises an alert, as nobody else would notice. A webhook that overtook the answer is not undone.
-- Locks: the message, whatsapp_providers, alerts.
create or replace function public.record_whatsapp_attempt(p_notification_id uuid, p_result jsonb) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_outcome constant text := p_result ->> 'outcome';
  v_code constant text := p_result ->> 'code';
  v_text constant text := left(p_result ->> 'message', 500);
  v_message public.whatsapp_notifications;
  v_provider public.whatsapp_providers;
  v_status text;
begin
  select * into strict v_message from public.whatsapp_notifications where id = p_notification_id for update;
  update public.whatsapp_attempts set outcome = v_outcome, action = p_result ->> 'action', error_code = v_code,
      error_message = v_text, http_status = (p_result ->> 'http_status')::integer,
      latency_ms = (p_result ->> 'latency_ms')::integer, ended_at = clock_timestamp()
    where notification_id = p_notification_id and attempt_no = v_message.attempts and outcome is null;
  if not found then
    -- Taken for lost meanwhile.
    return v_message.status;
  end if;

  if v_outcome = 'accepted' then
    update public.whatsapp_notifications set status = case status when 'sending' then 'accepted' else status end,
        provider_message_id = coalesce(provider_message_id, p_result ->> 'provider_message_id'), accepted_at = clock_timestamp(),
        error_code = case status when 'sending' then null else error_code end,
        error_message = case status when 'sending' then null else error_message end, updated_at = now()
      where id = p_notification_id returning status into v_status;
  elsif v_message.status <> 'sending' then
    v_status := v_message.status;
  elsif v_outcome = 'unknown' then
    update public.whatsapp_notifications set status = 'unknown', error_code = v_code, error_message = v_text, updated_at = now()
      where id = p_notification_id returning status into v_status;
  elsif p_result ->> 'action' = 'stop' then
    update public.whatsapp_notifications set status = 'failed', error_code = v_code, error_message = v_text, updated_at = now()
      where id = p_notification_id returning status into v_status;
  else
    v_status := public.retry_whatsapp(v_message, (p_result ->> 'delay_seconds')::integer, v_code, v_text);
  end if;

  if p_result ->> 'fault_of' = 'provider' or p_result ? 'pause_seconds' then
    update public.whatsapp_providers set
        failures = failures + 1, last_failure_at = clock_timestamp(), last_error = left(concat_ws(': ', v_code, v_text), 300),
        probing_until = null,
        open_until = case
          when p_result ->> 'pause_seconds' is not null
            then clock_timestamp() + least((p_result ->> 'pause_seconds')::integer, 600) * interval '1 second'
          when failures + 1 >= 5
            then clock_timestamp() + least(30 * 2 ^ least(failures - 4, 10), 600) * interval '1 second'
          else open_until end
      where provider = v_message.provider returning * into v_provider;
    if v_provider.failures >= 5 then
      perform public.raise_alert('whatsapp_unavailable', 'critical',
        'The WhatsApp provider fails: messages wait and are tried again by themselves.',
        jsonb_build_object('provider', v_message.provider, 'last_error', v_provider.last_error),
        'whatsapp_unavailable:' || v_message.provider);
    end if;
  else
    -- It answers. Told at most every ten seconds, so that messages do not queue on one row.
    update public.whatsapp_providers set failures = 0, open_until = null, probing_until = null, last_success_at = clock_timestamp()
      where provider = v_message.provider
        and (failures > 0 or open_until is not null or last_success_at is null or last_success_at < clock_timestamp() - interval '10 seconds');
    if found then
      update public.alerts set status = 'resolved', last_at = clock_timestamp()
        where dedupe_key = 'whatsapp_unavailable:' || v_message.provider and status <> 'resolved';
    end if;
  end if;
  if p_result ->> 'fault_of' = 'configuration' then
    perform public.raise_alert('whatsapp_misconfigured', 'critical',
      'The WhatsApp provider refuses messages for a reason that an operator must put right: account, token or template.',
      jsonb_build_object('provider', v_message.provider, 'code', v_code, 'message', v_text, 'template', v_message.template),
      'whatsapp_misconfigured:' || v_message.provider || ':' || coalesce(v_code, ''));
  end if;
  return v_status;
end
$$;
revoke all on function public.record_whatsapp_attempt from public;
grant execute on function public.record_whatsapp_attempt to jobs;
