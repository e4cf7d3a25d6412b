-- What is needed for one try to send a message, and the attempt's row, committed before the provider is called; null when
-- nothing is to be sent now: it is sent or given up, the merchant opted out meanwhile, no provider is configured
-- (p_provider null), it is a day old, or the circuit is open (then the job is added again for later; no try is counted).
-- A message found in mid-call was left there by a worker that was killed: it may have been sent, so it is unknown and not
-- sent again by itself.
-- The circuit: after five failures in a row that are the provider's own, nothing is sent for 30 s, twice as long after each
-- further one up to ten minutes; then one message tries, and the others go on when it came through.
-- Locks: the message, then whatsapp_providers.
create or replace function public.begin_whatsapp(p_notification_id uuid, p_provider text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_message public.whatsapp_notifications;
  v_template public.whatsapp_templates;
  v_provider public.whatsapp_providers;
  v_name text;
  v_stop text;
  v_later timestamptz;
begin
  select * into v_message from public.whatsapp_notifications where id = p_notification_id for update;
  if not found or v_message.status not in ('queued', 'sending') then
    return null;
  end if;
  if v_message.status = 'sending' then
    update public.whatsapp_attempts set outcome = 'unknown', error_code = 'worker_lost',
        error_message = 'The worker ended before the answer came.', ended_at = clock_timestamp()
      where notification_id = p_notification_id and outcome is null;
    update public.whatsapp_notifications set status = 'unknown', error_code = 'worker_lost', next_attempt_at = null,
        error_message = 'The worker ended before the answer came: it may have been sent.', updated_at = now()
      where id = p_notification_id;
    return null;
  end if;

  select * into v_template from public.whatsapp_templates
    where name = v_message.template and language = v_message.language and is_active;
  v_name := case p_provider when 'meta' then v_template.meta_name when 'gupshup' then v_template.gupshup_id end;
  v_stop := case
    when p_provider is null then 'not_configured'
    when exists (select from public.whatsapp_preferences
      where client_id = v_message.client_id and opted_out_at is not null) then 'opted_out'
    when v_message.created_at < now() - interval '1 day' then 'too_old'
    when v_name is null then 'template_not_approved'
  end;
  if v_stop is not null then
    update public.whatsapp_notifications set status = 'skipped', error_code = v_stop, error_message = null,
        next_attempt_at = null, updated_at = now()
      where id = p_notification_id;
    if v_stop = 'template_not_approved' then
      perform public.raise_alert('whatsapp_misconfigured', 'warning',
        'A WhatsApp template is not known to be approved at the provider in use: enter its name or id in the studio.',
        jsonb_build_object('template', v_message.template, 'language', v_message.language, 'provider', p_provider),
        'whatsapp_misconfigured:' || v_message.template || ':' || v_message.language);
    end if;
    return null;
  end if;

  select * into strict v_provider from public.whatsapp_providers where provider = p_provider;
  if v_provider.open_until > clock_timestamp() then
    v_later := v_provider.open_until + random() * interval '5 seconds';
  elsif v_provider.open_until is not null then
    update public.whatsapp_providers set probing_until = clock_timestamp() + interval '30 seconds'
      where provider = p_provider and (probing_until is null or probing_until < clock_timestamp());
    if not found then
      v_later := clock_timestamp() + (1 + random()) * interval '5 seconds';
    end if;
  end if;
  if v_later is not null then
    update public.whatsapp_notifications set next_attempt_at = v_later, updated_at = now() where id = p_notification_id;
    perform graphile_worker.add_job('send_whatsapp', json_build_object('notification_id', p_notification_id),
      run_at => v_later, max_attempts => 4, job_key => 'send_whatsapp:' || p_notification_id);
    return null;
  end if;

  update public.whatsapp_notifications set status = 'sending', attempts = attempts + 1, provider = p_provider,
      next_attempt_at = null, updated_at = now()
    where id = p_notification_id returning * into v_message;
  insert into public.whatsapp_attempts (notification_id, attempt_no, provider)
    values (p_notification_id, v_message.attempts, p_provider);
  return jsonb_build_object('id', v_message.id, 'attempt', v_message.attempts, 'recipient', v_message.recipient,
    'template', v_name, 'language', v_message.language,
    'parameters', public.whatsapp_parameters(v_template, v_message.variables));
end
$$;
revoke all on function public.begin_whatsapp from public;
grant execute on function public.begin_whatsapp to jobs;
