-- purpose: What was earned: commission booked, taken back and left, a day.
-- parameters: from, to (days of Asia/Kolkata, both counted), client (optional: of one merchant only)
-- columns: day; merchants (with an entry that day); payments and volume (that commission was booked on); commission; gst; refunds and
--   refunded (refunds and lost disputes that took commission back); reversed and gst_reversed (zero or negative); net_commission (commission + reversed)
-- units: amounts in paise; a payment counts on the day on which it was booked, a reversal on the day of its refund's success
\ir parameters.psql
select d.day, count(*) as merchants, sum(d.payments) as payments, sum(d.volume)::bigint as volume_paise,
    sum(d.commission)::bigint as commission_paise, sum(d.gst)::bigint as gst_paise, sum(d.refunds) as refunds,
    sum(d.refunded)::bigint as refunded_paise, sum(d.reversed)::bigint as reversed_paise, sum(d.gst_reversed)::bigint as gst_reversed_paise,
    sum(d.commission + d.reversed)::bigint as net_commission_paise
  from (
    select day, client_id, payments, volume, commission, gst, refunds, refunded, reversed, gst_reversed
      from reports.ledger_days
      where day between :'from'::date and :'to'::date
        and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
    union all
    select day, client_id, payments, volume, commission, gst, refunds, refunded, reversed, gst_reversed
      from reports.open_ledger_days(:'from'::date, :'to'::date, nullif(:'client', '')::uuid)
  ) d
  group by d.day
  order by d.day;
