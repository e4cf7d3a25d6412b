-- Looks for what must never be in the books beside payments and wallets: closed months, documents, what was booked by hand. No row is the
-- pass. With p_since closed months are looked at that were closed from then on, without it all. Reads only.
create or replace function public.check_books(p_since timestamptz) returns table (invariant text, detail text)
language sql stable security definer set search_path = '' set enable_seqscan = on as $$
  -- Months of a wallet that are closed follow one another without gap, and their balances are the entries'.
  select 'closed_months_cover_the_entries', format('client %s, month %s: entries %s to %s', p.client_id, p.month, p.first_entry_no, p.last_entry_no)
    from (select *, lag(last_entry_no, 1, 0::bigint) over months as entry_before, lag(closing_balance, 1, 0::bigint) over months as balance_before
      from public.billing_periods window months as (partition by client_id order by month)) p
    left join lateral (select balance_after from public.wallet_entries
      where client_id = p.client_id and entry_no = p.last_entry_no and (p_since is null or p.closed_at >= p_since)) e on true
    where (p_since is null or p.closed_at >= p_since) and (p.first_entry_no <> p.entry_before + 1 or p.opening_balance <> p.balance_before
      or p.closing_balance is distinct from e.balance_after)
  union all
  -- All that was booked in a closed month is invoiced or credited, and nothing else.
  select 'documents_add_up_to_the_entries', format('client %s, month %s: commission %s and GST %s booked, %s and %s on documents', p.client_id,
      p.month, e.commission, e.gst, i.taxable_amount, i.gst)
    from public.billing_periods p
    cross join lateral (
      select coalesce(sum(amount) filter (where type in ('COMMISSION', 'COMMISSION_REVERSAL', 'DISPUTE_LOST')), 0) as commission,
          coalesce(sum(amount) filter (where type in ('COMMISSION_GST', 'COMMISSION_GST_REVERSAL', 'DISPUTE_LOST_GST')), 0) as gst
        from public.wallet_entries where client_id = p.client_id and entry_no between p.first_entry_no and p.last_entry_no) e
    cross join lateral (
      select coalesce(sum(case kind when 'invoice' then taxable_amount else -taxable_amount end), 0) as taxable_amount,
          coalesce(sum(case kind when 'invoice' then cgst + sgst + igst else -(cgst + sgst + igst) end), 0) as gst
        from public.invoices where client_id = p.client_id and month = p.month) i
    where (p_since is null or p.closed_at >= p_since) and (e.commission <> i.taxable_amount or e.gst <> i.gst)
  union all
  -- and every document belongs to a closed month
  select 'documents_add_up_to_the_entries', format('%s %s: no month of the client', i.kind, i.document_no)
    from public.invoices i
    where not exists (select from public.billing_periods p where p.client_id = i.client_id and p.month = i.month)
  union all
  select 'document_is_the_sum_of_its_lines', format('%s %s', i.kind, i.document_no)
    from public.invoices i
    left join (select invoice_id, sum(taxable_amount) as taxable_amount, sum(cgst) as cgst, sum(sgst) as sgst, sum(igst) as igst
      from public.invoice_lines group by 1) l on l.invoice_id = i.id
    where (i.taxable_amount, i.cgst, i.sgst, i.igst) is distinct from (l.taxable_amount, l.cgst, l.sgst, l.igst)
  union all
  select 'document_numbers_have_no_gap', format('%s of %s: %s numbers up to %s, series at %s', i.kind, i.financial_year, i.count, i.last, s.last_number)
    from (select kind, financial_year, count(*) as count, max(number) as last from public.invoices group by 1, 2) i
    full join public.document_series s using (kind, financial_year)
    where (i.count, i.last) is distinct from (s.last_number, s.last_number)
  union all
  select 'document_numbers_follow_their_days', format('%s %s of %s', i.kind, i.document_no, i.issued_on)
    from (select *, lag(issued_on) over (partition by kind, financial_year order by number) as day_before from public.invoices) i
    where i.issued_on < i.day_before or i.financial_year <> public.financial_year(i.issued_on)
  union all
  select 'credit_note_stays_within_its_invoice', format('invoice %s: %s, credited %s', i.document_no, i.total, c.total)
    from (select credited_invoice_id, client_id, sum(total) as total, sum(taxable_amount) as taxable_amount, sum(cgst) as cgst,
          sum(sgst) as sgst, sum(igst) as igst
        from public.invoices where kind = 'credit_note' group by 1, 2) c
    join public.invoices i on i.id = c.credited_invoice_id
    where c.taxable_amount > i.taxable_amount or c.cgst > i.cgst or c.sgst > i.sgst or c.igst > i.igst
      or c.client_id <> i.client_id or i.kind <> 'invoice'
  union all
  select 'document_has_its_pdf', format('%s %s', i.kind, i.document_no)
    from public.invoices i
    where i.created_at < now() - interval '1 day' and not exists (select from public.invoice_documents d where d.invoice_id = i.id)
  union all
  select 'entry_by_hand_has_its_record', format('entry %s: %s of %s', e.id, e.type, e.amount)
    from public.wallet_entries e
    left join public.manual_settlements s on s.entry_id = e.id and s.client_id = e.client_id and s.amount = -e.amount
    left join public.adjustments a on a.entry_id = e.id and a.client_id = e.client_id and a.amount = e.amount and a.status = 'approved'
    where e.type = 'MANUAL_SETTLEMENT' and s.id is null or e.type = 'ADJUSTMENT' and a.id is null
  union all
  select 'record_by_hand_has_its_entry', format('%s %s of %s', r.type, r.id, r.amount)
    from (select 'MANUAL_SETTLEMENT' as type, id, -amount as amount, entry_id, client_id from public.manual_settlements
      union all select 'ADJUSTMENT', id, amount, entry_id, client_id from public.adjustments where status = 'approved') r
    left join public.wallet_entries e on e.id = r.entry_id
    where (e.type, e.amount, e.client_id) is distinct from (r.type, r.amount, r.client_id)
  union all
  select 'split_entry_has_its_split', format('entry %s: %s', e.id, e.amount)
    from public.wallet_entries e
    left join public.payment_splits s on s.entry_id = e.id and s.client_id = e.client_id and s.amount = -e.amount
    where e.type in ('COMMISSION_SPLIT', 'COMMISSION_SPLIT_REVERSAL') and (p_since is null or e.id >= public.first_uuid_at(p_since))
      -- those of a part that failed, or came after all, are looked up one by one; what they come to is for check_payments
      and case when s.attempt_id is null then (select x.attempt_id
        from public.payment_attempts a join public.payment_splits x on x.attempt_id = a.id
        where a.transaction_id = e.transaction_id and x.client_id = e.client_id and x.status = 'collected' and x.psp_updated_at is not null
        limit 1) is null end
  union all
  -- a payment that was made with a part for us has it booked, and no other has
  select 'split_is_collected_with_its_payment', format('attempt %s: %s, split %s', a.id, a.status, s.status)
    from public.payment_splits s join public.payment_attempts a on a.id = s.attempt_id
    where s.status <> 'refused' and (s.status = 'collected') <> (a.status = 'succeeded')
      and (p_since is null or a.id >= public.first_uuid_at(p_since - interval '1 day'))
  union all
  select 'payout_entry_has_its_payout', format('entry %s: %s', e.id, e.amount)
    from public.wallet_entries e
    left join public.payouts p on p.entry_id = e.id and p.client_id = e.client_id and p.amount = -e.amount
    left join public.payouts r on r.reversal_entry_id = e.id and r.client_id = e.client_id and r.amount = e.amount
    where e.type = 'COMMISSION_PAYOUT' and p.id is null and r.id is null
  union all
  select 'payout_has_its_entries', format('payout %s: %s of %s', p.id, p.status, p.amount)
    from public.payouts p
    left join public.wallet_entries e on e.id = p.entry_id
    left join public.wallet_entries r on r.id = p.reversal_entry_id
    where p.entry_id is not null and (e.type, e.amount, e.client_id) is distinct from ('COMMISSION_PAYOUT', -p.amount, p.client_id)
      or p.reversal_entry_id is not null and (r.type, r.amount, r.client_id) is distinct from ('COMMISSION_PAYOUT', p.amount, p.client_id)
  union all
  select 'adjustment_was_approved_by_another', format('adjustment %s', id)
    from public.adjustments where status = 'approved' and needs_second_person and (decided_by is null or decided_by = proposed_by)
  union all
  select 'utr_receipt_settled_its_attempt', format('UTR %s of client %s', u.utr, u.client_id)
    from public.upi_receipts u join public.payment_attempts a on a.id = u.attempt_id
    where (p_since is null or u.created_at >= p_since) and (a.status <> 'succeeded' or a.client_id <> u.client_id)
  union all
  select 'at_most_50_active_gateways', format('client %s has %s', client_id, count(*))
    from public.payment_gateways where is_active group by client_id having count(*) > 50
$$;
revoke all on function public.check_books from public;
grant execute on function public.check_books to jobs;
