-- Looks for what must never be in these payments and all that belongs to them: attempts, entries in the wallet, refunds, disputes, events.
-- No row is the pass; each row names an invariant and where it is broken. Reads only, by the transactions' indexes, each table once.
-- For some tens of thousands of ids at a time; one statement sees one moment.
-- Nested loops are off: how many rows an array brings is not known beforehand, and the joins here are of tens of thousands.
create or replace function public.check_payments(p_ids uuid[]) returns table (invariant text, detail text)
language sql stable security definer set search_path = '' set enable_nestloop = off set enable_seqscan = on set work_mem = '64MB' as $$
  with t as materialized (
    select * from public.transactions where id = any (p_ids)
  ), a as materialized (
    select id, transaction_id, client_id, gateway_id, status, psp_payment_id, payable_amount
      from public.payment_attempts where transaction_id = any (p_ids)
  ), e as materialized (
    select id, client_id, type, amount, transaction_id, refund_id, dispute_id from public.wallet_entries where transaction_id = any (p_ids)
  ), r as materialized (
    select id, transaction_id, attempt_id, kind, status, amount, reverses_commission from public.refunds where transaction_id = any (p_ids)
  ), d as materialized (
    select id, transaction_id, attempt_id, gateway_id, status, amount, currency, reverses_commission
      from public.disputes where transaction_id = any (p_ids)
  ), v as materialized (
    select transaction_id, refund_id, dispute_id, type from public.webhook_events where transaction_id = any (p_ids)
  ), x as materialized (
    select attempt_id, amount, returned_amount from public.payment_splits
      where attempt_id = any (array(select id from a)) and status = 'collected'
  ), booked as materialized (
    select transaction_id, sum(amount) filter (where type = 'COMMISSION') as commission, sum(amount) filter (where type = 'COMMISSION_GST') as gst,
        -sum(amount) filter (where type in ('COMMISSION_REVERSAL', 'DISPUTE_LOST')) as reversed,
        -sum(amount) filter (where type in ('COMMISSION_GST_REVERSAL', 'DISPUTE_LOST_GST')) as gst_reversed,
        -sum(amount) filter (where type in ('COMMISSION_SPLIT', 'COMMISSION_SPLIT_REVERSAL')) as split
      from e group by 1
  ), rates as materialized (
    select valid_from, lead(valid_from) over (order by valid_from) as valid_to, percent from public.gst_rates
  )
  select 'paid_transaction_has_its_commission', format('transaction %s: due %s, booked %s', t.id, round(t.amount * t.fee_percent / 100), coalesce(b.commission::text, 'nothing'))
    from t left join booked b on b.transaction_id = t.id
    where t.paid_at is not null and round(t.amount * t.fee_percent / 100) <> coalesce(b.commission, 0)
  union all
  select 'commission_has_its_gst', format('transaction %s: commission %s, GST %s', t.id, b.commission, coalesce(b.gst::text, 'nothing'))
    from t join booked b on b.transaction_id = t.id
    where b.commission is not null and coalesce(b.gst, 0) is distinct from round(b.commission * (select g.percent from rates g
      where g.valid_from <= (t.paid_at at time zone 'Asia/Kolkata')::date
        and (g.valid_to is null or g.valid_to > (t.paid_at at time zone 'Asia/Kolkata')::date)) / 100)
  union all
  select 'commission_only_for_paid_transactions', format('entry %s of transaction %s', e.id, t.id)
    from e join t on t.id = e.transaction_id where e.type = 'COMMISSION' and t.paid_at is null
  union all
  select 'entry_belongs_to_the_transactions_client', format('entry %s', e.id)
    from e join t on t.id = e.transaction_id where e.client_id <> t.client_id
  union all
  select 'paid_transaction_has_a_succeeded_attempt', format('transaction %s', t.id)
    from t where t.paid_at is not null
      and not exists (select from a where a.transaction_id = t.id and a.gateway_id = t.gateway_id and a.status = 'succeeded')
  union all
  select 'succeeded_attempt_belongs_to_a_paid_transaction', format('attempt %s', a.id)
    from a join t on t.id = a.transaction_id where a.status = 'succeeded' and t.paid_at is null
  union all
  select 'gateway_belongs_to_the_transactions_client', format('transaction %s', t.id)
    from t join public.payment_gateways g on g.id = t.gateway_id where g.client_id <> t.client_id
  union all
  select 'paid_transaction_has_its_event', format('transaction %s', t.id)
    from t where t.paid_at is not null and not exists (select from v where v.transaction_id = t.id and v.type = 'payment.paid')
  union all
  select 'refunds_stay_within_what_was_captured', format('transaction %s: captured %s, given back or under way %s', t.id,
      coalesce(a.payable_amount, t.amount), s.total)
    from (select transaction_id, min(attempt_id::text)::uuid as attempt_id, sum(amount) as total from r
      where kind = 'requested' and status <> 'failed' group by 1) s
    join t on t.id = s.transaction_id
    join a on a.id = s.attempt_id
    where s.total > coalesce(a.payable_amount, t.amount)
  union all
  select 'amount_refunded_is_sum_of_refunds', format('transaction %s: %s %s, refunds %s', t.id, t.status, t.amount_refunded, coalesce(s.total, 0))
    from t
    left join (select transaction_id, sum(amount) as total from r where kind = 'requested' and status = 'succeeded' group by 1) s
      on s.transaction_id = t.id
    where t.paid_at is not null and (t.amount_refunded <> coalesce(s.total, 0) or (t.status = 'paid') <> (t.amount_refunded = 0))
  union all
  select 'reversals_stay_within_commission', format('transaction %s: %s reversed, %s booked', b.transaction_id, b.reversed, b.commission)
    from booked b
    where coalesce(b.reversed, 0) > coalesce(b.commission, 0) or coalesce(b.gst_reversed, 0) > coalesce(b.gst, 0)
  union all
  select 'split_is_booked_as_it_came', format('transaction %s: split off %s, of it returned %s, booked %s', s.transaction_id, s.amount,
      s.returned, coalesce(b.split::text, 'nothing'))
    from (select a.transaction_id, sum(x.amount) as amount, sum(x.returned_amount) as returned from x join a on a.id = x.attempt_id group by 1) s
    left join booked b on b.transaction_id = s.transaction_id
    where s.amount - s.returned <> coalesce(b.split, 0)
  union all
  select 'reversal_belongs_to_a_succeeded_refund', format('entry %s', e.id)
    from e left join r on r.id = e.refund_id
    where e.refund_id is not null and (r.id is null or r.status <> 'succeeded' or r.kind <> 'requested')
  union all
  select 'settled_refund_has_its_event', format('refund %s', r.id)
    from r where r.status in ('succeeded', 'failed') and not exists (select from v where v.refund_id = r.id and v.type = 'refund.' || r.status)
  union all
  select 'dispute_has_its_entries', format('dispute %s: %s, entries %s', d.id, d.status, coalesce(s.types::text, 'none'))
    from d
    left join (select dispute_id, array_agg(type) as types from e where dispute_id is not null group by 1) s on s.dispute_id = d.id
    where not coalesce(s.types @> array['DISPUTE_OPENED'], false)
      or (d.status <> 'opened' and not s.types @> array['DISPUTE_' || upper(d.status)])
      or (d.status <> 'lost' and s.types && array['DISPUTE_LOST', 'DISPUTE_LOST_GST'])
  union all
  select 'dispute_has_its_event', format('dispute %s: %s', d.id, d.status)
    from d where not exists (select from v
      where v.dispute_id = d.id and v.type = 'dispute.' || case d.status when 'opened' then 'opened' else 'closed' end)
  union all
  select 'dispute_stays_within_what_was_captured', format('dispute %s of %s %s: captured %s %s', d.id, d.amount, d.currency,
      coalesce(a.payable_amount, t.amount), t.currency)
    from d join t on t.id = d.transaction_id left join a on a.id = d.attempt_id
    where a.id is null or d.amount > coalesce(a.payable_amount, t.amount) or d.currency <> t.currency or a.gateway_id <> d.gateway_id
      or a.status <> 'succeeded'
  union all
  -- Of payments that lost a dispute: commission is taken back in proportion to what was returned, by refunds and disputes together.
  select 'commission_is_reversed_in_proportion', format('transaction %s: %s of %s reversed, %s of %s returned', p.id, p.reversed, p.commission,
      p.returned, p.captured)
    from (
      select t.id, coalesce(a.payable_amount, t.amount) as captured, coalesce(b.commission, 0) as commission, coalesce(b.gst, 0) as gst,
          coalesce(b.reversed, 0) as reversed, coalesce(b.gst_reversed, 0) as gst_reversed,
          least(coalesce(a.payable_amount, t.amount), coalesce(s.total, 0) + coalesce(l.total, 0)) as returned
        from (select transaction_id, min(attempt_id::text)::uuid as attempt_id, sum(amount) filter (where reverses_commission) as total
          from d where status = 'lost' group by 1) l
        join t on t.id = l.transaction_id
        join a on a.id = l.attempt_id
        left join booked b on b.transaction_id = t.id
        left join (select transaction_id, sum(amount) as total from r where reverses_commission group by 1) s on s.transaction_id = t.id
    ) p
    where p.reversed <> round(p.commission * p.returned / p.captured) or p.gst_reversed <> round(p.gst * p.returned / p.captured)
  union all
  select 'second_success_is_given_back', format('attempt %s of transaction %s', s.id, s.transaction_id)
    from (select id, transaction_id, psp_payment_id, count(*) over (partition by transaction_id) as successes from a where status = 'succeeded') s
    join t on t.id = s.transaction_id
    where s.successes > 1 and s.psp_payment_id is not null and s.psp_payment_id is distinct from t.gateway_txn_id
      and not exists (select from r where r.attempt_id = s.id and r.kind = 'duplicate_payment')
$$;
revoke all on function public.check_payments from public;
