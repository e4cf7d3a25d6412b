-- What a merchant wants to be told, with the number that is used; null when there is no such merchant.
create or replace function public.read_whatsapp_preferences(p_client_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('client_id', c.id, 'company_name', c.company_name, 'recipient', p.recipient,
      'profile_recipient', public.whatsapp_recipient(c.phone), 'profile_phone', c.phone, 'language', coalesce(p.language, 'en'),
      'low_balance', coalesce(p.low_balance, true), 'updates', coalesce(p.updates, '[]'), 'opted_out_at', p.opted_out_at,
      'warn_threshold', w.warn_threshold, 'balance_due', w.balance_due, 'last_warned_at', w.wa_last_sent)
    from public.clients c
    left join public.whatsapp_preferences p on p.client_id = c.id
    left join public.wallets w on w.client_id = c.id
    where c.id = p_client_id
$$;
revoke all on function public.read_whatsapp_preferences from public;
grant execute on function public.read_whatsapp_preferences to studio;
