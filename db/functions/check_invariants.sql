-- Looks for what must never be. No row is the pass; each row names an invariant and where it is broken. Reads only; safe
-- at any time, as one statement sees one moment.
create or replace function public.check_invariants() returns table (invariant text, detail text)
language sql stable security definer set search_path = '' set enable_seqscan = on as $$
  select 'wallet_balance_is_sum_of_entries', format('client %s: balance %s, entries %s', w.client_id, w.balance_due, coalesce(e.total, 0))
    from public.wallets w
    left join (select client_id, sum(amount) as total, count(*) as entries from public.wallet_entries group by 1) e using (client_id)
    where w.balance_due <> coalesce(e.total, 0) or w.entry_count <> coalesce(e.entries, 0)
  union all
  select 'wallet_entries_chain', format('client %s entry %s: balance_after %s', client_id, entry_no, balance_after)
    from (
      select client_id, entry_no, amount, balance_after,
          lag(balance_after, 1, 0::bigint) over chain as balance_before,
          row_number() over chain as expected_no
        from public.wallet_entries window chain as (partition by client_id order by entry_no)
      ) c
    where balance_after <> balance_before + amount or entry_no <> expected_no
  union all
  select 'wallet_entries_hash_chain', format('client %s entry %s', client_id, entry_no)
    from (
      select *, lag(hash, 1, decode(repeat('00', 32), 'hex')) over (partition by client_id order by entry_no) as hash_before
        from public.wallet_entries
      ) c
    where hash <> public.entry_hash(hash_before, client_id, entry_no, id, type, amount, balance_after, transaction_id, refund_id, dispute_id,
      created_at, description)
  union all
  select 'wallet_holds_the_head_of_its_chain', format('client %s: %s entries', w.client_id, w.entry_count)
    from public.wallets w
    left join public.wallet_entries e on e.client_id = w.client_id and e.entry_no = w.entry_count
    where w.head_hash <> coalesce(e.hash, decode(repeat('00', 32), 'hex'))
  union all
  select 'paid_transaction_has_its_commission', format('transaction %s: due %s, booked %s', t.id, round(t.amount * t.fee_percent / 100), coalesce(e.booked::text, 'nothing'))
    from public.transactions t
    left join (select transaction_id, sum(amount) as booked from public.wallet_entries where type = 'COMMISSION' group by 1) e on e.transaction_id = t.id
    where t.paid_at is not null and round(t.amount * t.fee_percent / 100) <> coalesce(e.booked, 0)
  union all
  select 'commission_has_its_gst', format('transaction %s: commission %s, GST %s', c.transaction_id, c.amount, coalesce(g.amount::text, 'nothing'))
    from public.wallet_entries c
    join public.transactions t on t.id = c.transaction_id
    left join public.wallet_entries g on g.transaction_id = c.transaction_id and g.type = 'COMMISSION_GST'
    where c.type = 'COMMISSION' and coalesce(g.amount, 0) <> round(c.amount * (select percent from public.gst_rates
      where valid_from <= (t.paid_at at time zone 'Asia/Kolkata')::date order by valid_from desc limit 1) / 100)
  union all
  select 'gateway_volume_covers_its_attempts', format('gateway %s: volume %s, attempts %s', s.gateway_id, s.volume, a.amount)
    from public.gateway_states s
    join (select gateway_id, public.month_in_india(created_at) as month, sum(amount) as amount
      from public.payment_attempts where released_at is null group by 1, 2) a on a.gateway_id = s.gateway_id and a.month = s.volume_month
    where s.volume < a.amount
  union all
  select 'commission_only_for_paid_transactions', format('entry %s of transaction %s', e.id, t.id)
    from public.wallet_entries e join public.transactions t on t.id = e.transaction_id
    where e.type = 'COMMISSION' and t.paid_at is null
  union all
  select 'entry_belongs_to_the_transactions_client', format('entry %s', e.id)
    from public.wallet_entries e join public.transactions t on t.id = e.transaction_id
    where e.client_id <> t.client_id
  union all
  select 'paid_transaction_has_a_succeeded_attempt', format('transaction %s', t.id)
    from public.transactions t
    where t.paid_at is not null
      and not exists (select from public.payment_attempts a where a.transaction_id = t.id and a.gateway_id = t.gateway_id and a.status = 'succeeded')
  union all
  select 'succeeded_attempt_belongs_to_a_paid_transaction', format('attempt %s', a.id)
    from public.payment_attempts a join public.transactions t on t.id = a.transaction_id
    where a.status = 'succeeded' and t.paid_at is null
  union all
  select 'gateway_belongs_to_the_transactions_client', format('transaction %s', t.id)
    from public.transactions t join public.payment_gateways g on g.id = t.gateway_id
    where g.client_id <> t.client_id
  union all
  select 'paid_transaction_has_its_event', format('transaction %s', t.id)
    from public.transactions t
    where t.paid_at is not null
      and not exists (select from public.webhook_events e where e.transaction_id = t.id and e.type = 'payment.paid')
  union all
  select 'refunds_stay_within_what_was_captured', format('transaction %s: captured %s, given back or under way %s', r.transaction_id,
      coalesce(a.payable_amount, t.amount), r.total)
    from (select transaction_id, min(attempt_id::text)::uuid as attempt_id, sum(amount) as total from public.refunds
      where kind = 'requested' and status <> 'failed' group by 1) r
    join public.transactions t on t.id = r.transaction_id
    join public.payment_attempts a on a.id = r.attempt_id
    where r.total > coalesce(a.payable_amount, t.amount)
  union all
  select 'amount_refunded_is_sum_of_refunds', format('transaction %s: %s %s, refunds %s', t.id, t.status, t.amount_refunded, coalesce(r.total, 0))
    from public.transactions t
    left join (select transaction_id, sum(amount) as total from public.refunds
      where kind = 'requested' and status = 'succeeded' group by 1) r on r.transaction_id = t.id
    where t.paid_at is not null and (t.amount_refunded <> coalesce(r.total, 0) or (t.status = 'paid') <> (t.amount_refunded = 0))
  union all
  select 'reversals_stay_within_commission', format('transaction %s: %s reversed, %s booked', r.transaction_id, r.reversed, r.booked)
    from (select transaction_id,
          -sum(amount) filter (where type in ('COMMISSION_REVERSAL', 'DISPUTE_LOST')) as reversed, sum(amount) filter (where type = 'COMMISSION') as booked,
          -sum(amount) filter (where type in ('COMMISSION_GST_REVERSAL', 'DISPUTE_LOST_GST')) as gst_reversed, sum(amount) filter (where type = 'COMMISSION_GST') as gst
        from public.wallet_entries where transaction_id is not null group by 1) r
    where coalesce(r.reversed, 0) > coalesce(r.booked, 0) or coalesce(r.gst_reversed, 0) > coalesce(r.gst, 0)
  union all
  select 'reversal_belongs_to_a_succeeded_refund', format('entry %s', e.id)
    from public.wallet_entries e join public.refunds r on r.id = e.refund_id
    where r.status <> 'succeeded' or r.kind <> 'requested' or r.transaction_id <> e.transaction_id
  union all
  select 'settled_refund_has_its_event', format('refund %s', r.id)
    from public.refunds r
    where r.status in ('succeeded', 'failed')
      and not exists (select from public.webhook_events e where e.refund_id = r.id and e.type = 'refund.' || r.status)
  union all
  select 'dispute_has_its_entries', format('dispute %s: %s, entries %s', d.id, d.status, coalesce(e.types::text, 'none'))
    from public.disputes d
    left join (select dispute_id, array_agg(type order by type) as types from public.wallet_entries where dispute_id is not null group by 1) e
      on e.dispute_id = d.id
    where not coalesce(e.types @> array['DISPUTE_OPENED'], false)
      or (d.status <> 'opened' and not e.types @> array['DISPUTE_' || upper(d.status)])
      or (d.status <> 'lost' and e.types && array['DISPUTE_LOST', 'DISPUTE_LOST_GST'])
  union all
  select 'dispute_has_its_event', format('dispute %s: %s', d.id, d.status)
    from public.disputes d
    where not exists (select from public.webhook_events e where e.dispute_id = d.id
      and e.type = 'dispute.' || case d.status when 'opened' then 'opened' else 'closed' end)
  union all
  select 'dispute_stays_within_what_was_captured', format('dispute %s of %s %s: captured %s %s', d.id, d.amount, d.currency,
      coalesce(a.payable_amount, t.amount), t.currency)
    from public.disputes d
    join public.transactions t on t.id = d.transaction_id
    join public.payment_attempts a on a.id = d.attempt_id
    where d.amount > coalesce(a.payable_amount, t.amount) or d.currency <> t.currency or a.transaction_id <> t.id
      or a.gateway_id <> d.gateway_id or a.status <> 'succeeded'
  union all
  -- Of payments that lost a dispute: commission is taken back in proportion to what was returned, by refunds and disputes together.
  select 'commission_is_reversed_in_proportion', format('transaction %s: %s reversed of %s, %s returned of %s', b.id, b.reversed, b.booked, b.returned, b.captured)
    from (
      select t.id, coalesce(a.payable_amount, t.amount) as captured, e.booked, e.reversed, e.gst, e.gst_reversed,
          least(coalesce(a.payable_amount, t.amount),
            (select coalesce(sum(r.amount), 0) from public.refunds r where r.transaction_id = t.id and r.reverses_commission)
            + (select coalesce(sum(o.amount), 0) from public.disputes o where o.transaction_id = t.id and o.reverses_commission)) as returned
        from (select distinct on (transaction_id) transaction_id, attempt_id from public.disputes where status = 'lost') d
        join public.transactions t on t.id = d.transaction_id
        join public.payment_attempts a on a.id = d.attempt_id
        cross join lateral (
          select coalesce(sum(amount) filter (where type = 'COMMISSION'), 0) as booked,
              coalesce(sum(amount) filter (where type = 'COMMISSION_GST'), 0) as gst,
              -coalesce(sum(amount) filter (where type in ('COMMISSION_REVERSAL', 'DISPUTE_LOST')), 0) as reversed,
              -coalesce(sum(amount) filter (where type in ('COMMISSION_GST_REVERSAL', 'DISPUTE_LOST_GST')), 0) as gst_reversed
            from public.wallet_entries where transaction_id = t.id) e
    ) b
    where b.reversed <> round(b.booked * b.returned / b.captured) or b.gst_reversed <> round(b.gst * b.returned / b.captured)
  union all
  select 'second_success_is_given_back', format('attempt %s of transaction %s', a.id, a.transaction_id)
    from (select id, transaction_id, psp_payment_id, gateway_id,
          count(*) over (partition by transaction_id) as successes from public.payment_attempts where status = 'succeeded') a
    join public.transactions t on t.id = a.transaction_id
    where a.successes > 1 and a.psp_payment_id is not null and a.psp_payment_id is distinct from t.gateway_txn_id
      and not exists (select from public.refunds r where r.attempt_id = a.id and r.kind = 'duplicate_payment')
  union all
  select 'utr_receipt_settled_its_attempt', format('UTR %s of client %s', u.utr, u.client_id)
    from public.upi_receipts u join public.payment_attempts a on a.id = u.attempt_id
    where a.status <> 'succeeded' or a.client_id <> u.client_id
  union all
  select 'at_most_50_active_gateways', format('client %s has %s', client_id, count(*))
    from public.payment_gateways where is_active group by client_id having count(*) > 50
  union all
  -- Months of a wallet that are closed follow one another without gap, and their balances are the entries'.
  select 'closed_months_cover_the_entries', format('client %s, month %s: entries %s to %s', p.client_id, p.month, p.first_entry_no, p.last_entry_no)
    from (select *, lag(last_entry_no, 1, 0::bigint) over months as entry_before, lag(closing_balance, 1, 0::bigint) over months as balance_before
      from public.billing_periods window months as (partition by client_id order by month)) p
    left join public.wallet_entries e on e.client_id = p.client_id and e.entry_no = p.last_entry_no
    where p.first_entry_no <> p.entry_before + 1 or p.opening_balance <> p.balance_before
      or p.closing_balance is distinct from e.balance_after
  union all
  -- All that was booked in closed months is invoiced or credited, and nothing else.
  select 'documents_add_up_to_the_entries', format('client %s: commission %s and GST %s booked, %s and %s on documents', b.client_id,
      b.commission, b.gst, coalesce(d.taxable_amount, 0), coalesce(d.gst, 0))
    from (
      select e.client_id, coalesce(sum(e.amount) filter (where e.type in ('COMMISSION', 'COMMISSION_REVERSAL', 'DISPUTE_LOST')), 0) as commission,
          coalesce(sum(e.amount) filter (where e.type in ('COMMISSION_GST', 'COMMISSION_GST_REVERSAL', 'DISPUTE_LOST_GST')), 0) as gst
        from public.wallet_entries e
        join (select client_id, max(last_entry_no) as last_entry_no from public.billing_periods group by 1) p
          on p.client_id = e.client_id and e.entry_no <= p.last_entry_no
        group by 1
    ) b
    left join (
      select i.client_id, sum(case i.kind when 'invoice' then i.taxable_amount else -i.taxable_amount end) as taxable_amount,
          sum(case i.kind when 'invoice' then i.cgst + i.sgst + i.igst else -(i.cgst + i.sgst + i.igst) end) as gst
        from public.invoices i group by 1
    ) d on d.client_id = b.client_id
    where b.commission <> coalesce(d.taxable_amount, 0) or b.gst <> coalesce(d.gst, 0)
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
    where e.type = 'COMMISSION_SPLIT' and s.attempt_id is null
  union all
  -- a payment that was made with a part for us has it booked, and no other has
  select 'split_is_collected_with_its_payment', format('attempt %s: %s, split %s', a.id, a.status, s.status)
    from public.payment_splits s join public.payment_attempts a on a.id = s.attempt_id
    where s.status <> 'refused' and (s.status = 'collected') <> (a.status = 'succeeded')
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
$$;
revoke all on function public.check_invariants from public;
grant execute on function public.check_invariants to jobs, studio;
