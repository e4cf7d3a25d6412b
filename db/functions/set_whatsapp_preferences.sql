-- Changes what a merchant wants to be told: {recipient (any spelling; null = the profile's), language, low_balance, updates,
-- opted_out}; what is not named stays. Audited with before, after and reason; a reason is needed to write again to a merchant
-- who opted out.
-- Errors: LS022 no_such_client, LS172 no_whatsapp_number (not a phone number), LS175 invalid_preferences, LS044 reason_needed.
-- Locks: the merchant's row of whatsapp_preferences.
create or replace function public.set_whatsapp_preferences(p_client_id uuid, p_preferences jsonb, p_reason text, p_actor text)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_events constant jsonb := '["payment.paid", "payment.failed", "refund.succeeded", "refund.failed"]';
  v_before public.whatsapp_preferences;
  v_after public.whatsapp_preferences;
  v_recipient constant text := nullif(btrim(p_preferences ->> 'recipient'), '');
begin
  if not exists (select from public.clients where id = p_client_id) then
    raise exception using errcode = 'LS022', message = 'no such client', detail = p_client_id::text;
  end if;
  insert into public.whatsapp_preferences (client_id) values (p_client_id) on conflict do nothing;
  select * into strict v_before from public.whatsapp_preferences where client_id = p_client_id for update;
  if v_recipient is not null and public.whatsapp_recipient(v_recipient) is null then
    raise exception using errcode = 'LS172', message = 'not a phone number', detail = p_client_id::text;
  end if;
  if coalesce(p_preferences ->> 'language', 'en') not in ('en', 'hi')
      or jsonb_typeof(coalesce(p_preferences -> 'updates', '[]')) <> 'array'
      or not coalesce(p_preferences -> 'updates', '[]') <@ v_events
      or jsonb_typeof(coalesce(p_preferences -> 'low_balance', 'true')) <> 'boolean'
      or jsonb_typeof(coalesce(p_preferences -> 'opted_out', 'true')) <> 'boolean' then
    raise exception using errcode = 'LS175', message = 'not preferences', detail = p_client_id::text;
  end if;
  if v_before.opted_out_at is not null and p_preferences -> 'opted_out' = 'false' and btrim(coalesce(p_reason, '')) = '' then
    raise exception using errcode = 'LS044', message = 'writing again to a merchant who opted out needs a reason';
  end if;
  update public.whatsapp_preferences set
      recipient = case when p_preferences ? 'recipient' then public.whatsapp_recipient(v_recipient) else recipient end,
      language = coalesce(p_preferences ->> 'language', language),
      low_balance = coalesce((p_preferences ->> 'low_balance')::boolean, low_balance),
      updates = coalesce((select jsonb_agg(distinct e order by e) from jsonb_array_elements(p_preferences -> 'updates') e),
        case when p_preferences ? 'updates' then '[]' else updates end),
      opted_out_at = case p_preferences ->> 'opted_out' when 'true' then coalesce(opted_out_at, now()) when 'false' then null
        else opted_out_at end,
      updated_at = now()
    where client_id = p_client_id returning * into v_after;
  if to_jsonb(v_before) - 'updated_at' <> to_jsonb(v_after) - 'updated_at' then
    perform public.record_audit(p_actor, 'set_whatsapp_preferences', 'whatsapp_preferences', p_client_id::text,
      jsonb_build_object('before', to_jsonb(v_before) - 'client_id' - 'updated_at', 'after', to_jsonb(v_after) - 'client_id' - 'updated_at',
        'reason', nullif(btrim(p_reason), '')));
  end if;
  return public.read_whatsapp_preferences(p_client_id);
end
$$;
revoke all on function public.set_whatsapp_preferences from public;
grant execute on function public.set_whatsapp_preferences to studio;
