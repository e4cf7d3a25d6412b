-- Tells operators that a merchant's balance has reached its warning threshold, or the one from which its payments are refused: when it
-- was under it before. p_before and p_after in paise, before and after an entry.
-- Locks: alerts. The caller holds the client's wallet.
create or replace function public.raise_dues_alerts(p_client_id uuid, p_before bigint, p_after bigint) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_warn bigint;
  v_refuse bigint;
begin
  select w.warn_threshold, c.suspend_threshold into strict v_warn, v_refuse
    from public.clients c join public.wallets w on w.client_id = c.id
    where c.id = p_client_id;
  if p_before < v_warn and p_after >= v_warn then
    perform public.raise_alert('dues_warning', 'warning', 'A merchant''s commission due has reached its warning threshold.',
      jsonb_build_object('balance_due', p_after, 'warn_threshold', v_warn), 'dues_warning:' || p_client_id, p_client_id);
  end if;
  if p_before < v_refuse and p_after >= v_refuse then
    perform public.raise_alert('dues_outstanding', 'critical',
      'A merchant''s commission due has reached its threshold: new payments are refused until it is settled.',
      jsonb_build_object('balance_due', p_after, 'suspend_threshold', v_refuse), 'dues_outstanding:' || p_client_id, p_client_id);
  end if;
end
$$;
revoke all on function public.raise_dues_alerts from public;
