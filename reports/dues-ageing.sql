-- purpose: What merchants owe at the end of a day, and for how long: whom to ask for payment first.
-- parameters: to (the day, of Asia/Kolkata, at whose end), client (optional: of one merchant only); from is not used
-- columns: client_id; merchant; status; due; due_0_to_30_days, due_31_to_60_days, due_61_to_90_days, due_over_90_days (add up to due);
--   advance (paid beyond what is due)
-- units: amounts in paise. What was paid or taken back counts against the oldest dues first; merchants that owe nothing and have paid no
--   advance are left out
\ir parameters.psql
with open_days as materialized (
  select * from reports.open_ledger_days(date '2000-01-01', :'to'::date, nullif(:'client', '')::uuid)
), days as (
  select client_id, day, raised from reports.ledger_days
    where day between :'to'::date - 89 and :'to'::date
      and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
  union all
  select client_id, day, raised from open_days
), raised as (
  select client_id, sum(raised) filter (where day > :'to'::date - 30) as to_30,
      sum(raised) filter (where day > :'to'::date - 60) as to_60, sum(raised) filter (where day > :'to'::date - 90) as to_90
    from days group by 1
), balances as materialized (
  -- materialized: else the look-up below is repeated wherever the balance is used
  select m.client_id, m.company_name as merchant, m.status,
      coalesce((select d.closing_balance from reports.ledger_days d where d.client_id = m.client_id and d.day <= :'to'::date
        order by d.day desc limit 1), 0)
      + coalesce(o.net, 0) as balance
    from reports.merchants m
    left join (select client_id, sum(net) as net from open_days group by 1) o using (client_id)
    where nullif(:'client', '')::uuid is null or m.client_id = nullif(:'client', '')::uuid
), due as (
  -- the newest dues are what is left: of the whole, as much as was raised since
  select b.*, greatest(b.balance, 0) as due, least(greatest(b.balance, 0), coalesce(r.to_30, 0)) as in_30,
      least(greatest(b.balance, 0), coalesce(r.to_60, 0)) as in_60, least(greatest(b.balance, 0), coalesce(r.to_90, 0)) as in_90
    from balances b left join raised r using (client_id)
)
select client_id, merchant, status, due::bigint as due_paise, in_30::bigint as due_0_to_30_days_paise, (in_60 - in_30)::bigint as due_31_to_60_days_paise,
    (in_90 - in_60)::bigint as due_61_to_90_days_paise, (due - in_90)::bigint as due_over_90_days_paise,
    greatest(-balance, 0)::bigint as advance_paise
  from due
  where balance <> 0
  order by due desc, client_id;
