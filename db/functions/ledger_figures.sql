-- What wallets' entries of a time come to, a day (Asia/Kolkata) and merchant; p_client_id: of one merchant only. Paise. The one
-- definition of these figures: closed days are written from it (close_report_days), open ones are read through it.
-- Reads the entries of that time by wallet_entries_created_at_idx, and the payment or refund of each that stands for one.
create or replace function public.ledger_figures(p_since timestamptz, p_until timestamptz, p_client_id uuid default null)
returns table (day date, client_id uuid, payments integer, volume bigint, commission bigint, gst bigint, refunds integer, refunded bigint,
  reversed bigint, gst_reversed bigint, collected bigint, settled bigint, adjusted bigint, others bigint, raised bigint, net bigint)
language sql stable security definer rows 5000 set search_path = ''
-- Plans must not depend on how large a table was when they were made.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  select (e.created_at at time zone 'Asia/Kolkata')::date, e.client_id,
      count(*) filter (where e.type = 'COMMISSION')::integer,
      coalesce(sum(t.amount) filter (where e.type = 'COMMISSION' and t.currency = 'INR'), 0)::bigint,
      coalesce(sum(e.amount) filter (where e.type = 'COMMISSION'), 0)::bigint,
      coalesce(sum(e.amount) filter (where e.type = 'COMMISSION_GST'), 0)::bigint,
      count(*) filter (where e.type in ('COMMISSION_REVERSAL', 'DISPUTE_LOST') and e.amount < 0)::integer,
      coalesce(sum(r.amount) filter (where r.currency = 'INR'), 0)::bigint + coalesce(sum(d.amount) filter (where d.currency = 'INR'), 0)::bigint,
      coalesce(sum(e.amount) filter (where e.type in ('COMMISSION_REVERSAL', 'DISPUTE_LOST')), 0)::bigint,
      coalesce(sum(e.amount) filter (where e.type in ('COMMISSION_GST_REVERSAL', 'DISPUTE_LOST_GST')), 0)::bigint,
      coalesce(sum(e.amount) filter (where e.type in ('COMMISSION_PAYOUT', 'COMMISSION_SPLIT', 'COMMISSION_SPLIT_REVERSAL')), 0)::bigint,
      coalesce(sum(e.amount) filter (where e.type = 'MANUAL_SETTLEMENT'), 0)::bigint,
      coalesce(sum(e.amount) filter (where e.type = 'ADJUSTMENT'), 0)::bigint,
      coalesce(sum(e.amount) filter (where e.type not in ('COMMISSION', 'COMMISSION_GST', 'COMMISSION_REVERSAL', 'COMMISSION_GST_REVERSAL',
        'DISPUTE_LOST', 'DISPUTE_LOST_GST', 'COMMISSION_PAYOUT', 'COMMISSION_SPLIT', 'COMMISSION_SPLIT_REVERSAL',
        'MANUAL_SETTLEMENT', 'ADJUSTMENT')), 0)::bigint,
      -- a payout that came back, or a part split off that never came, raises nothing: what it had paid is due as it was before
      coalesce(sum(e.amount) filter (where e.amount > 0 and e.type not in ('COMMISSION_PAYOUT', 'COMMISSION_SPLIT_REVERSAL')), 0)::bigint,
      sum(e.amount)::bigint
    from public.wallet_entries e
    left join public.transactions t on t.id = e.transaction_id and e.type = 'COMMISSION'
    left join public.refunds r on r.id = e.refund_id and e.type = 'COMMISSION_REVERSAL'
    left join public.disputes d on d.id = e.dispute_id and e.type = 'DISPUTE_LOST' and e.amount < 0
    where e.created_at >= p_since and e.created_at < p_until and (p_client_id is null or e.client_id = p_client_id)
    group by 1, 2
$$;
revoke all on function public.ledger_figures from public;
