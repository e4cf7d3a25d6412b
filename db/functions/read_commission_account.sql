-- One merchant's commission account: terms, balance, last payout, how many invoices, adjustments (those that wait, and the newest decided), settlements by hand.
-- Few index look-ups: it is polled while somebody looks.
-- Errors: LS022 no_such_client.
create or replace function public.read_commission_account(p_client_id uuid) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_account jsonb;
begin
  select jsonb_build_object('client_id', c.id, 'company_name', c.company_name, 'legal_name', c.legal_name, 'gstin', c.gstin,
      'state_code', c.state_code, 'status', c.status, 'fee_percent', c.fee_percent, 'balance_due', w.balance_due,
      'entry_count', w.entry_count, 'suspend_threshold', c.suspend_threshold, 'warn_threshold', w.warn_threshold,
      'is_refused', coalesce(w.balance_due >= c.suspend_threshold, false),
      -- Both conditions: the second is the one of the index wallet_entries_by_hand_idx.
      'last_settlement', (select jsonb_build_object('amount', -e.amount, 'at', public.iso_time(e.created_at))
        from public.wallet_entries e where e.client_id = c.id and e.type in ('COMMISSION_PAYOUT', 'MANUAL_SETTLEMENT')
          and e.type in ('COMMISSION_PAYOUT', 'MANUAL_SETTLEMENT', 'ADJUSTMENT')
        order by e.entry_no desc limit 1),
      'invoices', (select jsonb_build_object('issued', count(*), 'drawn', count(d.invoice_id))
        from public.invoices i left join public.invoice_documents d on d.invoice_id = i.id where i.client_id = c.id),
      'adjustment_limit', (select adjustment_limit from public.company_profile),
      'adjustments', coalesce((select jsonb_agg(public.adjustment_view(a.row) order by (a.row).status <> 'proposed', (a.row).created_at desc)
        from (
          (select d as row from public.adjustments d where d.client_id = c.id and d.status = 'proposed' limit 50)
          union all
          (select d from public.adjustments d where d.client_id = c.id and d.status <> 'proposed' order by d.created_at desc limit 10)
        ) a), '[]'),
      'settlements', coalesce((select jsonb_agg(jsonb_build_object('id', s.id, 'amount', s.amount, 'reference', s.reference,
          'method', s.method, 'received_on', s.received_on, 'note', s.note, 'recorded_by', s.recorded_by,
          'created_at', public.iso_time(s.created_at)) order by s.id desc)
        from (select * from public.manual_settlements m where m.client_id = c.id order by m.id desc limit 10) s), '[]'),
      'suspension', (select jsonb_build_object('at', public.iso_time(l.created_at), 'by', l.actor, 'reason', l.after ->> 'reason')
        from public.audit_log l where l.table_name = 'clients' and l.row_id = c.id::text and l.action = 'suspend_client'
          and c.status = 'suspended'
        order by l.id desc limit 1))
    into v_account
    from public.clients c join public.wallets w on w.client_id = c.id
    where c.id = p_client_id;
  if v_account is null then
    raise exception using errcode = 'LS022', message = 'no such client', detail = coalesce(p_client_id::text, 'null');
  end if;
  return v_account;
end
$$;
revoke all on function public.read_commission_account from public;
grant execute on function public.read_commission_account to studio;
