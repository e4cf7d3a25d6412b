-- Has a template message sent to a merchant, at the number and in the language of their preferences. p_variables by name;
-- p_actor is the person or the flow that asks, and is written to the audit log. The same template with the same variables
-- to the same merchant within ten minutes is one message: its id is returned again. What becomes of it stands in
-- whatsapp_notifications.
-- Errors: LS022 no_such_client, LS170 no_such_template, LS171 variables_do_not_fit, LS172 no_whatsapp_number, LS173
-- whatsapp_opted_out.
-- Locks: an advisory lock on the very message, to the end of the transaction.
create or replace function public.send_whatsapp(p_client_id uuid, p_template text, p_variables jsonb, p_actor text)
returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  v_merchant record;
  v_template public.whatsapp_templates;
  v_id uuid;
begin
  select c.phone, p.* into v_merchant
    from public.clients c left join public.whatsapp_preferences p on p.client_id = c.id
    where c.id = p_client_id;
  if not found then
    raise exception using errcode = 'LS022', message = 'no such client', detail = p_client_id::text;
  end if;
  v_template := public.find_whatsapp_template(p_template, coalesce(v_merchant.language, 'en'));
  perform public.check_whatsapp_variables(v_template, p_variables);
  if v_merchant.opted_out_at is not null then
    raise exception using errcode = 'LS173', message = 'the merchant wants no messages', detail = p_client_id::text;
  end if;
  v_merchant.recipient := coalesce(v_merchant.recipient, public.whatsapp_recipient(v_merchant.phone));
  if v_merchant.recipient is null then
    raise exception using errcode = 'LS172', message = 'the merchant has no number for WhatsApp', detail = p_client_id::text;
  end if;

  perform pg_advisory_xact_lock(hashtextextended(p_client_id || p_template || p_variables::text, 17));
  select n.id into v_id from public.whatsapp_notifications n
    where n.client_id = p_client_id and n.template = v_template.name and n.variables = p_variables
      and n.recipient = v_merchant.recipient and n.cause = 'request'
      and n.created_at > clock_timestamp() - interval '10 minutes' and n.status not in ('failed', 'skipped')
    order by n.id desc limit 1;
  if found then
    return v_id;
  end if;
  v_id := public.enqueue_whatsapp(p_client_id, v_template.name, v_template.language, p_variables, v_merchant.recipient,
    'request', coalesce(nullif(p_actor, ''), session_user));
  perform public.record_audit(p_actor, 'send_whatsapp', 'whatsapp_notifications', v_id::text,
    jsonb_build_object('client_id', p_client_id, 'template', p_template, 'variables', p_variables));
  return v_id;
end
$$;
revoke all on function public.send_whatsapp from public;
grant execute on function public.send_whatsapp to jobs, studio;
