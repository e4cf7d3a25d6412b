-- purpose: How far providers' settlement reports agree with our books: what was settled, what it cost, and what differs.
-- parameters: from, to (days of Asia/Kolkata, both counted), client (optional: one line a gateway of this merchant, else a provider)
-- columns: provider; gateway (of the merchant asked for); settlements, lines and matched_lines (settled in the period); paid, refunded, fee
--   (GST included), fee_gst, net (what merchants' banks got); fee_percent (of paid); opened and resolved (exceptions of the period);
--   open (now), and of these missing_with_us, missing_there, amount_differs, fee_differs, state_differs, duplicate; open_without_owner;
--   oldest_open_days
-- units: amounts in paise, of settlements in INR. The net is informational: it goes from the provider to the merchant
\ir parameters.psql
with settled as (
  select provider, case when nullif(:'client', '') is not null then gateway end as gateway, count(*) as settlements, sum(line_count) as lines,
      sum(matched_count) as matched, sum(payment_amount) as paid, sum(refund_amount) as refunded, sum(fee) as fee, sum(tax) as tax, sum(net) as net
    from reports.settlements
    where settled_on between :'from'::date and :'to'::date and currency = 'INR'
      and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
    group by 1, 2
), differs as (
  select provider, case when nullif(:'client', '') is not null then gateway end as gateway,
      count(*) filter (where opened_on between :'from'::date and :'to'::date) as opened,
      count(*) filter (where resolved_on between :'from'::date and :'to'::date) as resolved,
      count(*) filter (where status = 'open') as open,
      count(*) filter (where status = 'open' and kind = 'missing_with_us') as missing_with_us,
      count(*) filter (where status = 'open' and kind = 'missing_there') as missing_there,
      count(*) filter (where status = 'open' and kind = 'amount') as amount,
      count(*) filter (where status = 'open' and kind = 'fee') as fee,
      count(*) filter (where status = 'open' and kind = 'state') as state,
      count(*) filter (where status = 'open' and kind = 'duplicate') as duplicate,
      count(*) filter (where status = 'open' and owner is null) as without_owner,
      (now() at time zone 'Asia/Kolkata')::date - min(opened_on) filter (where status = 'open') as oldest
    from reports.reconciliation_exceptions
    where (status = 'open' or opened_on between :'from'::date and :'to'::date or resolved_on between :'from'::date and :'to'::date)
      and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
    group by 1, 2
)
select coalesce(s.provider, d.provider) as provider, coalesce(s.gateway, d.gateway) as gateway, coalesce(s.settlements, 0) as settlements,
    coalesce(s.lines, 0) as lines, coalesce(s.matched, 0) as matched_lines, coalesce(s.paid, 0)::bigint as paid_paise,
    coalesce(s.refunded, 0)::bigint as refunded_paise, coalesce(s.fee, 0)::bigint as fee_paise, coalesce(s.tax, 0)::bigint as fee_gst_paise,
    coalesce(s.net, 0)::bigint as net_paise, round(100.0 * s.fee / nullif(s.paid, 0), 3) as fee_percent,
    coalesce(d.opened, 0) as opened, coalesce(d.resolved, 0) as resolved, coalesce(d.open, 0) as open,
    coalesce(d.missing_with_us, 0) as missing_with_us, coalesce(d.missing_there, 0) as missing_there, coalesce(d.amount, 0) as amount_differs,
    coalesce(d.fee, 0) as fee_differs, coalesce(d.state, 0) as state_differs, coalesce(d.duplicate, 0) as duplicate,
    coalesce(d.without_owner, 0) as open_without_owner, d.oldest as oldest_open_days
  from settled s full join differs d on d.provider = s.provider and d.gateway is not distinct from s.gateway
  order by 1, 2;
