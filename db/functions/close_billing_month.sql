-- Closes a merchant's oldest open month that is over (Asia/Kolkata), and issues what it calls for: one invoice for the commission
-- booked in it, less what its own refunds and lost disputes took back; and for those of payments of earlier months a credit note for
-- each invoice concerned. Returns {client_id, month, documents: [number, …]}, or null when no month is to be closed. All of it commits together:
-- run twice, or beside others, a month is closed once.
--
-- A month takes the entries up to the first one written after its end, by their numbers. Settlements and adjustments are in the
-- month's account, not in its taxes.
-- Locks: the merchant's closings (advisory), so that payments need not wait; then the series. Errors: LS086 profile_incomplete.
create or replace function public.close_billing_month(p_client_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_last public.billing_periods;
  v_period public.billing_periods;
  v_end timestamptz;
  v_document record;
  v_numbers jsonb := '[]';
begin
  perform pg_advisory_xact_lock(hashtextextended('close_billing_month:' || p_client_id, 0));
  select * into v_last from public.billing_periods where client_id = p_client_id order by month desc limit 1;
  v_period.first_entry_no := coalesce(v_last.last_entry_no, 0) + 1;
  select greatest(public.month_in_india(created_at), (v_last.month + interval '1 month')::date), balance_after - amount
    into v_period.month, v_period.opening_balance
    from public.wallet_entries where client_id = p_client_id and entry_no = v_period.first_entry_no;
  if v_period.month is null or v_period.month >= public.month_in_india(now()) then
    return null;
  end if;
  v_end := (v_period.month + interval '1 month') at time zone 'Asia/Kolkata';
  select entry_no - 1 into v_period.last_entry_no from public.wallet_entries
    where client_id = p_client_id and entry_no >= v_period.first_entry_no and created_at >= v_end
    order by entry_no limit 1;
  if v_period.last_entry_no is null then
    select max(entry_no) into v_period.last_entry_no from public.wallet_entries where client_id = p_client_id;
  end if;
  if exists (select from public.company_profile where legal_name is null or address is null or gstin is null) then
    raise exception using errcode = 'LS086', message = 'the company''s name, address or GSTIN is not filled in',
      hint = 'An administrator fills it in under Commission, Company.';
  end if;

  insert into public.billing_periods (client_id, month, first_entry_no, last_entry_no, opening_balance, charged, reversed, settled,
      adjusted, closing_balance)
    select p_client_id, v_period.month, v_period.first_entry_no, v_period.last_entry_no, v_period.opening_balance,
        coalesce(sum(amount) filter (where type in ('COMMISSION', 'COMMISSION_GST')), 0),
        coalesce(sum(amount) filter (where type in ('COMMISSION_REVERSAL', 'COMMISSION_GST_REVERSAL', 'DISPUTE_LOST', 'DISPUTE_LOST_GST')), 0),
        coalesce(sum(amount) filter (where type in ('COMMISSION_PAYOUT', 'COMMISSION_SPLIT', 'COMMISSION_SPLIT_REVERSAL', 'MANUAL_SETTLEMENT')), 0),
        coalesce(sum(amount) filter (where type = 'ADJUSTMENT'), 0),
        v_period.opening_balance + sum(amount)
      from public.wallet_entries
      where client_id = p_client_id and entry_no between v_period.first_entry_no and v_period.last_entry_no;

  for v_document in
    with booked as (
      select e.type, e.amount, e.transaction_id, coalesce(r.amount, d.amount) as returned,
          -- the month that the commission was booked in; null = this one
          case when r.id is not null or d.id is not null then (
            select p.month from public.wallet_entries c
              join public.billing_periods p on p.client_id = c.client_id and c.entry_no between p.first_entry_no and p.last_entry_no
              where c.type = 'COMMISSION' and c.transaction_id = e.transaction_id and c.entry_no < v_period.first_entry_no
          ) end as credited_month
        from public.wallet_entries e
        left join public.refunds r on r.id = e.refund_id
        left join public.disputes d on d.id = e.dispute_id
        where e.client_id = p_client_id and e.entry_no between v_period.first_entry_no and v_period.last_entry_no
          and (e.type in ('COMMISSION', 'COMMISSION_GST', 'COMMISSION_REVERSAL', 'COMMISSION_GST_REVERSAL')
            -- one that took nothing back, by the merchant's terms, is on no document
            or (e.type in ('DISPUTE_LOST', 'DISPUTE_LOST_GST') and e.amount <> 0))
    ), lines as (
      select b.credited_month, case when b.returned is null then 'commission' else 'reversal' end as kind, t.fee_percent,
          g.percent as gst_percent,
          count(*) filter (where b.type in ('COMMISSION', 'COMMISSION_REVERSAL', 'DISPUTE_LOST')) as quantity,
          sum(case b.type when 'COMMISSION' then t.amount when 'COMMISSION_REVERSAL' then -b.returned when 'DISPUTE_LOST' then -b.returned end) as volume,
          coalesce(sum(b.amount) filter (where b.type in ('COMMISSION', 'COMMISSION_REVERSAL', 'DISPUTE_LOST')), 0) as taxable_amount,
          coalesce(sum(b.amount) filter (where b.type in ('COMMISSION_GST', 'COMMISSION_GST_REVERSAL', 'DISPUTE_LOST_GST')), 0) as gst
        from booked b
        join public.transactions t on t.id = b.transaction_id
        -- as book_commissions chose it
        cross join lateral (select percent from public.gst_rates
          where valid_from <= (t.paid_at at time zone 'Asia/Kolkata')::date order by valid_from desc limit 1) g
        group by 1, 2, 3, 4
    )
    select l.credited_month, i.id as credited_invoice_id, jsonb_agg(jsonb_build_object('kind', l.kind, 'fee_percent', l.fee_percent,
          'gst_percent', l.gst_percent, 'quantity', l.quantity, 'volume', coalesce(s.sign * l.volume, 0),
          'taxable_amount', s.sign * l.taxable_amount, 'gst', s.sign * l.gst)) as lines
      from lines l
      cross join lateral (select case when l.credited_month is null then 1 else -1 end as sign) s
      left join public.invoices i on i.client_id = p_client_id and i.month = l.credited_month and i.kind = 'invoice'
      group by 1, 2
      having sum(l.taxable_amount) <> 0 or sum(l.gst) <> 0
      order by l.credited_month nulls first
  loop
    v_numbers := v_numbers || to_jsonb((public.issue_document(
      case when v_document.credited_month is null then 'invoice' else 'credit_note' end,
      p_client_id, v_period.month, v_document.credited_invoice_id, v_document.lines)).document_no);
  end loop;
  return jsonb_build_object('client_id', p_client_id, 'month', v_period.month, 'documents', v_numbers);
end
$$;
revoke all on function public.close_billing_month from public;
grant execute on function public.close_billing_month to jobs;
