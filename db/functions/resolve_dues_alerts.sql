-- Closes the alerts about a merchant's dues that its balance has fallen under, so that the next time is told again. Payments are
-- taken again by themselves: initiate_payments compares balance and threshold. p_balance in paise, after the entry.
-- Locks: alerts. The caller holds the client's wallet.
create or replace function public.resolve_dues_alerts(p_client_id uuid, p_balance bigint) returns void
language sql security definer set search_path = '' as $$
  update public.alerts a set status = 'resolved'
    from public.clients c join public.wallets w on w.client_id = c.id
    where c.id = p_client_id and a.status <> 'resolved'
      and (a.dedupe_key = 'dues_outstanding:' || c.id and p_balance < coalesce(c.suspend_threshold, p_balance + 1)
        or a.dedupe_key = 'dues_warning:' || c.id and p_balance < coalesce(w.warn_threshold, p_balance + 1))
$$;
revoke all on function public.resolve_dues_alerts from public;
