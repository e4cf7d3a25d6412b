-- purpose: A merchant's account with us: what was charged and paid, line by line, with the balance after each.
-- parameters: from, to (days of Asia/Kolkata, both counted), client (required)
-- columns: day; line (what it is); details; payments and volume (of a day's commission; refunds and refunded of a day's reversals);
--   amount (positive raises what is due); balance (due after the line)
-- units: amounts in paise; a day's commission, GST, reversals and parts that PSPs split off (less what did not come) are a line each,
--   everything else is listed one by one
\ir parameters.psql
with days as materialized (
  select day, payments, volume, commission, gst, refunds, refunded, reversed, gst_reversed, collected, others from reports.ledger_days
    where client_id = nullif(:'client', '')::uuid and day between :'from'::date and :'to'::date
  union all
  select day, payments, volume, commission, gst, refunds, refunded, reversed, gst_reversed, collected, others
    from reports.open_ledger_days(:'from'::date, :'to'::date, nullif(:'client', '')::uuid)
    where nullif(:'client', '') is not null
), by_hand as materialized (
  select day, entry_no, type, description, amount from reports.entries_by_hand
    where client_id = nullif(:'client', '')::uuid and day between :'from'::date and :'to'::date
), lines as (
  select null::date as day, 0 as place, 0 as entry_no, 'opening balance' as line, null as details, null::bigint as payments, null::bigint as volume,
      coalesce((select closing_balance from reports.ledger_days where client_id = nullif(:'client', '')::uuid and day < :'from'::date
        order by day desc limit 1), 0)
      + coalesce((select sum(net) from reports.open_ledger_days(date '2000-01-01', :'from'::date - 1, nullif(:'client', '')::uuid)), 0) as amount
  union all
  select day, 1, 0, 'commission', null, payments, volume, commission from days where commission <> 0
  union all
  select day, 2, 0, 'GST on commission', null, null, null, gst from days where gst <> 0
  union all
  select day, 3, 0, 'commission taken back', null, refunds, refunded, reversed from days where reversed <> 0
  union all
  select day, 4, 0, 'GST taken back', null, null, null, gst_reversed from days where gst_reversed <> 0
  union all
  select day, 5, 0, 'other entries', null, null, null, others from days where others <> 0
  union all
  -- what is collected and is no payout
  select day, 6, 0, 'split off by the PSP', null, null, null, amount
    from (select d.day, d.collected - coalesce((select sum(h.amount) from by_hand h where h.day = d.day and h.type = 'COMMISSION_PAYOUT'), 0) as amount
      from days d) split
    where amount <> 0
  union all
  select day, 7, entry_no, case type when 'COMMISSION_PAYOUT' then 'collected' when 'MANUAL_SETTLEMENT' then 'payment received' else 'adjustment' end,
      description, null, null, amount
    from by_hand
)
select day, line, details, payments, volume as volume_paise, case when place > 0 then amount::bigint end as amount_paise,
    (sum(amount) over (order by day nulls first, place, entry_no))::bigint as balance_paise
  from lines
  where nullif(:'client', '') is not null
  order by lines.day nulls first, place, entry_no;
