-- Adds the messages that merchants asked for about these events (payment.paid, refund.failed, …), in the transaction that
-- made them. Costs one look into whatsapp_preferences for a merchant who asked for none. At most sixty an hour for a
-- merchant: who takes a payment a second does not want a message for each. A message that cannot be made is left out: no
-- payment fails for it.
-- p_events: [{event, client_id, key (what happens once), amount (paise), order_id}]
create or replace function public.write_whatsapp_updates(p_events jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_update record;
begin
  for v_update in
    select e.*, p.language, c.company_name, coalesce(p.recipient, public.whatsapp_recipient(c.phone)) as recipient,
        replace(e.event, '.', '_') as template
      from jsonb_to_recordset(p_events) as e (event text, client_id uuid, key text, amount bigint, order_id text)
      join public.whatsapp_preferences p on p.client_id = e.client_id and p.updates ? e.event and p.opted_out_at is null
      join public.clients c on c.id = e.client_id
  loop
    continue when v_update.recipient is null
      or not exists (select from public.whatsapp_templates
        where name = v_update.template and language = v_update.language and is_active)
      or (select count(*) from (select from public.whatsapp_notifications
        where client_id = v_update.client_id and id > public.first_uuid_at(now() - interval '1 hour') and cause = 'transaction'
        limit 60) recent) >= 60;
    perform public.enqueue_whatsapp(v_update.client_id, v_update.template, v_update.language,
      jsonb_build_object('amount', v_update.amount, 'order_id', public.whatsapp_value(v_update.order_id, 100),
        'company', public.whatsapp_value(v_update.company_name, 60)),
      v_update.recipient, 'transaction', v_update.event, v_update.event || ':' || v_update.key);
  end loop;
end
$$;
revoke all on function public.write_whatsapp_updates from public;
