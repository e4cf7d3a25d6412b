-- purpose: Whether merchants stay and grow: those of one first month, followed month by month.
-- parameters: from, to (cohorts whose month has a day of the period; each is followed to the current month), client (optional)
-- columns: cohort (the month of their first payment); merchants (in it); age_months (0: that month itself); month; active (of them, with a
--   payment in that month); active_percent; payments; volume; revenue (commission less what was taken back, without GST);
--   revenue_percent (of what the cohort earned us in its first month)
-- units: amounts in paise; months of Asia/Kolkata
\ir parameters.psql
with months as (
  select client_id, month, payments, volume, commission + reversed as revenue from reports.ledger_months
    where nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid
  union all
  select client_id, date_trunc('month', day)::date, payments, volume, commission + reversed
    from reports.open_ledger_days(date '2000-01-01', date '9999-12-30', nullif(:'client', '')::uuid)
), totals as (
  select client_id, month, sum(payments) as payments, sum(volume) as volume, sum(revenue) as revenue from months group by 1, 2
), earned as (
  select *, min(month) filter (where payments > 0) over (partition by client_id) as cohort from totals
), sizes as (
  select cohort, count(*) as merchants, sum(revenue) as revenue from earned where month = cohort group by 1
)
select e.cohort, s.merchants, (extract(year from age(e.month, e.cohort)) * 12 + extract(month from age(e.month, e.cohort)))::integer as age_months,
    e.month, count(*) filter (where e.payments > 0) as active,
    round(100.0 * count(*) filter (where e.payments > 0) / s.merchants, 1) as active_percent,
    sum(e.payments) as payments, sum(e.volume)::bigint as volume_paise, sum(e.revenue)::bigint as revenue_paise,
    round(100.0 * sum(e.revenue) / nullif(s.revenue, 0), 1) as revenue_percent
  from earned e join sizes s using (cohort)
  where e.cohort between date_trunc('month', :'from'::date)::date and :'to'::date and e.month >= e.cohort
  group by e.cohort, s.merchants, s.revenue, e.month
  order by e.cohort, e.month;
