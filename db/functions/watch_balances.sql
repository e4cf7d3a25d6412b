-- Warns merchants whose commission due has reached their wallet's warn_threshold, at most once in six hours each. Not those
-- who opted out, want no such warning, or have no number. Returns how many were warned, at most p_limit.
-- Locks: wallets in id order, skip locked: it waits for nobody, and the next run sees who was left.
create or replace function public.watch_balances(p_limit integer default 500) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_due record;
  v_template public.whatsapp_templates;
  v_count integer := 0;
begin
  for v_due in
    select w.client_id, w.balance_due, w.warn_threshold, c.company_name, coalesce(p.language, 'en') as language,
        coalesce(p.recipient, public.whatsapp_recipient(c.phone)) as recipient
      from public.wallets w
      join public.clients c on c.id = w.client_id
      left join public.whatsapp_preferences p on p.client_id = w.client_id
      where w.warn_threshold is not null and w.balance_due >= w.warn_threshold
        and (w.wa_last_sent is null or w.wa_last_sent <= now() - interval '6 hours')
        and coalesce(p.low_balance, true) and p.opted_out_at is null
        and coalesce(p.recipient, public.whatsapp_recipient(c.phone)) is not null
      order by w.client_id limit p_limit for update of w skip locked
  loop
    v_template := public.find_whatsapp_template('low_balance', v_due.language);
    perform public.enqueue_whatsapp(v_due.client_id, v_template.name, v_template.language,
      jsonb_build_object('company', public.whatsapp_value(v_due.company_name, 60), 'balance_due', v_due.balance_due,
        'threshold', v_due.warn_threshold),
      v_due.recipient, 'low_balance', 'watch_balances');
    update public.wallets set wa_last_sent = now() where client_id = v_due.client_id;
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;
revoke all on function public.watch_balances from public;
grant execute on function public.watch_balances to jobs;
