-- purpose: What merchants paid of their commission, a day and way, and what became of the payouts that were to bring it.
-- parameters: from, to (days of Asia/Kolkata, both counted), client (optional: of one merchant only)
-- columns: day; charged (commission and GST booked, less what was taken back); collected (through payouts and splits, less what came
--   back); settled (recorded by hand); adjusted; payouts (begun for that day), payouts_open, payouts_processed, payouts_failed
--   (with those that came back); payout_amount and payout_processed_amount
-- units: amounts in paise; collected and settled are positive where they lowered what is due
\ir parameters.psql
with moved as (
  select d.day, sum(d.commission + d.gst + d.reversed + d.gst_reversed) as charged, -sum(d.collected) as collected, -sum(d.settled) as settled,
      sum(d.adjusted) as adjusted
    from (
      select day, client_id, commission, gst, reversed, gst_reversed, collected, settled, adjusted from reports.ledger_days
        where day between :'from'::date and :'to'::date
          and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
      union all
      select day, client_id, commission, gst, reversed, gst_reversed, collected, settled, adjusted
        from reports.open_ledger_days(:'from'::date, :'to'::date, nullif(:'client', '')::uuid)
    ) d
    group by 1
), payouts as (
  select collected_for as day, count(*) as payouts, count(*) filter (where status in ('queued', 'processing')) as open,
      count(*) filter (where status = 'processed') as processed, count(*) filter (where status in ('failed', 'reversed')) as failed,
      sum(amount) as amount, coalesce(sum(amount) filter (where status = 'processed'), 0) as processed_amount
    from reports.payouts
    where collected_for between :'from'::date and :'to'::date
      and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
    group by 1
)
select day, coalesce(m.charged, 0)::bigint as charged_paise, coalesce(m.collected, 0)::bigint as collected_paise,
    coalesce(m.settled, 0)::bigint as settled_paise, coalesce(m.adjusted, 0)::bigint as adjusted_paise,
    coalesce(p.payouts, 0) as payouts, coalesce(p.open, 0) as payouts_open, coalesce(p.processed, 0) as payouts_processed,
    coalesce(p.failed, 0) as payouts_failed, coalesce(p.amount, 0)::bigint as payout_amount_paise,
    coalesce(p.processed_amount, 0)::bigint as payout_processed_amount_paise
  from moved m full join payouts p using (day)
  order by day;
