-- purpose: The books of a period in double entry: whether what was charged is what is due, paid, or taken back.
-- parameters: from, to (days of Asia/Kolkata, both counted), client (optional: of one merchant only)
-- columns: account; debit; credit. The total's debit and credit are the same
-- units: amounts in paise, movements of the period
\ir parameters.psql
with moved as (
  select coalesce(sum(commission), 0) as commission, coalesce(sum(gst), 0) as gst, coalesce(sum(reversed), 0) as reversed,
      coalesce(sum(gst_reversed), 0) as gst_reversed, coalesce(sum(collected), 0) as collected, coalesce(sum(settled), 0) as settled,
      coalesce(sum(adjusted), 0) as adjusted, coalesce(sum(others), 0) as others,
      coalesce(sum(commission + gst + reversed + gst_reversed + collected + settled + adjusted + others), 0) as due
    from (
      select commission, gst, reversed, gst_reversed, collected, settled, adjusted, others from reports.ledger_days
        where day between :'from'::date and :'to'::date
          and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
      union all
      select commission, gst, reversed, gst_reversed, collected, settled, adjusted, others
        from reports.open_ledger_days(:'from'::date, :'to'::date, nullif(:'client', '')::uuid)
    ) d
), accounts as (
  -- debits positive
  select a.* from moved m cross join lateral (values
    (1, 'receivable from merchants', m.due), (2, 'bank: collected', -m.collected), (3, 'bank: payments received', -m.settled),
    (4, 'commission', -m.commission), (5, 'commission taken back', -m.reversed), (6, 'GST on commission', -m.gst),
    (7, 'GST taken back', -m.gst_reversed), (8, 'adjustments', -m.adjusted), (9, 'other entries', -m.others)) a (place, account, amount)
)
select coalesce(account, 'total') as account, sum(greatest(amount, 0))::bigint as debit_paise, sum(greatest(-amount, 0))::bigint as credit_paise
  from accounts
  group by grouping sets ((place, account), ())
  order by place nulls last;
