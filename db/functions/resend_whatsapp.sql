-- Sends a message once more, as a new one, to the merchant's number of now; an operator asks for it. Audited. A reason is needed
-- where the first one may have arrived. Pressed twice within a minute it is one message.
-- Errors: LS174 no_such_notification, LS044 reason_needed, LS043 already_decided (it is still on its way), LS172
-- no_whatsapp_number, LS173 whatsapp_opted_out, LS170 no_such_template.
-- Locks: the message.
create or replace function public.resend_whatsapp(p_notification_id uuid, p_reason text, p_actor text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  v_message public.whatsapp_notifications;
  v_merchant record;
  v_template public.whatsapp_templates;
  v_id uuid;
begin
  select * into v_message from public.whatsapp_notifications where id = p_notification_id for update;
  if not found then
    raise exception using errcode = 'LS174', message = 'no such notification', detail = p_notification_id::text;
  end if;
  if v_message.status in ('queued', 'sending') then
    raise exception using errcode = 'LS043', message = 'the message is still on its way', detail = v_message.status;
  end if;
  if v_message.status not in ('failed', 'skipped') and btrim(coalesce(p_reason, '')) = '' then
    raise exception using errcode = 'LS044', message = 'a message that may have arrived is sent again for a reason only';
  end if;
  select c.phone, p.recipient, p.opted_out_at into v_merchant
    from public.clients c left join public.whatsapp_preferences p on p.client_id = c.id where c.id = v_message.client_id;
  if v_merchant.opted_out_at is not null then
    raise exception using errcode = 'LS173', message = 'the merchant wants no messages', detail = v_message.client_id::text;
  end if;
  v_merchant.recipient := coalesce(v_merchant.recipient, public.whatsapp_recipient(v_merchant.phone));
  if v_merchant.recipient is null then
    raise exception using errcode = 'LS172', message = 'the merchant has no number for WhatsApp', detail = v_message.client_id::text;
  end if;
  select id into v_id from public.whatsapp_notifications
    where client_id = v_message.client_id and resend_of = p_notification_id and created_at > clock_timestamp() - interval '1 minute'
    order by id desc limit 1;
  if found then
    return v_id;
  end if;
  v_template := public.find_whatsapp_template(v_message.template, v_message.language);
  perform public.check_whatsapp_variables(v_template, v_message.variables);
  v_id := public.enqueue_whatsapp(v_message.client_id, v_template.name, v_template.language, v_message.variables,
    v_merchant.recipient, 'resend', coalesce(nullif(p_actor, ''), session_user), null, p_notification_id);
  perform public.record_audit(p_actor, 'resend_whatsapp', 'whatsapp_notifications', p_notification_id::text,
    jsonb_build_object('new_id', v_id, 'status', v_message.status, 'reason', nullif(btrim(p_reason), '')));
  return v_id;
end
$$;
revoke all on function public.resend_whatsapp from public;
grant execute on function public.resend_whatsapp to studio;
