-- purpose: What payment providers approve and what they cost: where to send payments, and what to negotiate.
-- parameters: from, to (days of Asia/Kolkata, both counted), client (optional: by gateway of this merchant, else by provider)
-- columns: provider; gateway (of the merchant asked for); method (all: the whole of the provider or gateway; empty: not known); succeeded;
--   failed; undecided (the payer gave up, or the gateway was asked for what it cannot do; not in the approval); approval_percent
--   (succeeded of succeeded and failed); volume (of what succeeded); stated_fee (what the provider said with the payment that it keeps,
--   GST included); stated_fee_percent (of the volume that it was said of); settled_fee (what its settlements of the period kept, GST
--   included) and settled_fee_percent (of what they paid), both on the lines of all methods
-- units: amounts in paise; an attempt counts on the day on which it ended
\ir parameters.psql
with attempts as (
  select provider, null::uuid as gateway_id, null::text as gateway, method, succeeded, failed, undecided, volume, stated_fees, stated_fees_volume
    from reports.provider_days
    where day between :'from'::date and :'to'::date and nullif(:'client', '') is null
  union all
  select provider, null, null, method, succeeded, failed, undecided, volume, stated_fees, stated_fees_volume
    from reports.open_provider_days(:'from'::date, case when nullif(:'client', '') is null then :'to'::date end)
  union all
  select provider, gateway_id, gateway, method, succeeded, failed, undecided, volume, stated_fees, stated_fees_volume
    from reports.gateway_attempts(:'from'::date, :'to'::date, nullif(:'client', '')::uuid)
), tried as (
  select provider, gateway_id, gateway, case when grouping(method) = 0 then method else 'all' end as method, sum(succeeded) as succeeded,
      sum(failed) as failed, sum(undecided) as undecided, sum(volume) as volume, sum(stated_fees) as stated_fees,
      sum(stated_fees_volume) as stated_fees_volume
    from attempts group by grouping sets ((provider, gateway_id, gateway), (provider, gateway_id, gateway, method))
), settled as (
  select provider, case when nullif(:'client', '') is not null then gateway_id end as gateway_id,
      case when nullif(:'client', '') is not null then gateway end as gateway, sum(fee) as fee, sum(payment_amount) as paid
    from reports.settlements
    where settled_on between :'from'::date and :'to'::date and currency = 'INR'
      and (nullif(:'client', '')::uuid is null or client_id = nullif(:'client', '')::uuid)
    group by 1, 2, 3
)
select coalesce(t.provider, s.provider) as provider, coalesce(t.gateway, s.gateway) as gateway, coalesce(t.method, 'all') as method,
    coalesce(t.succeeded, 0) as succeeded, coalesce(t.failed, 0) as failed, coalesce(t.undecided, 0) as undecided,
    round(100.0 * t.succeeded / nullif(t.succeeded + t.failed, 0), 2) as approval_percent,
    coalesce(t.volume, 0)::bigint as volume_paise, coalesce(t.stated_fees, 0)::bigint as stated_fee_paise,
    round(100.0 * t.stated_fees / nullif(t.stated_fees_volume, 0), 3) as stated_fee_percent,
    s.fee::bigint as settled_fee_paise, round(100.0 * s.fee / nullif(s.paid, 0), 3) as settled_fee_percent
  from tried t
  full join settled s on t.method = 'all' and t.provider = s.provider and t.gateway_id is not distinct from s.gateway_id
  order by 1, 2, coalesce(t.gateway_id, s.gateway_id), t.method is distinct from 'all', coalesce(t.volume, 0) desc, t.method;
