-- purpose: What the company earns: revenue a month, from how many merchants, at what rate.
-- parameters: from, to (every month that has a day of the period, whole), client (optional: of one merchant only)
-- columns: month; merchants (with a payment); new_merchants (with their first); payments; volume; commission; reversed (zero or
--   negative); revenue (commission + reversed, without GST); take_rate_percent (revenue of the volume less what was refunded);
--   growth_percent (of revenue over the month before)
-- units: amounts in paise; months of Asia/Kolkata
\ir parameters.psql
with months as (
  select client_id, month, payments, volume, commission, refunded, reversed from reports.ledger_months
    where month <= :'to'::date and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
  union all
  select client_id, date_trunc('month', day)::date, payments, volume, commission, refunded, reversed
    from reports.open_ledger_days(date '2000-01-01', (date_trunc('month', :'to'::date) + interval '1 month')::date - 1, nullif(:'client', '')::uuid)
), earned as (
  select client_id, month, sum(payments) as payments, sum(volume) as volume, sum(commission) as commission, sum(refunded) as refunded,
      sum(reversed) as reversed
    from months group by 1, 2
), placed as (
  select *, min(month) filter (where payments > 0) over (partition by client_id) as first_month from earned
), totals as (
  select month, count(*) filter (where payments > 0) as merchants, count(*) filter (where month = first_month) as new_merchants,
      sum(payments) as payments, sum(volume) as volume, sum(refunded) as refunded, sum(commission) as commission, sum(reversed) as reversed,
      sum(commission + reversed) as revenue, lag(sum(commission + reversed)) over (order by month) as revenue_before,
      lag(month) over (order by month) as month_before
    from placed group by 1
)
select month, merchants, new_merchants, payments, volume::bigint as volume_paise, commission::bigint as commission_paise,
    reversed::bigint as reversed_paise, revenue::bigint as revenue_paise,
    round(100.0 * revenue / nullif(volume - refunded, 0), 3) as take_rate_percent,
    case when month_before = (month - interval '1 month')::date then round(100.0 * (revenue - revenue_before) / nullif(revenue_before, 0), 1)
      end as growth_percent
  from totals
  where month between date_trunc('month', :'from'::date)::date and :'to'::date
  order by month;
