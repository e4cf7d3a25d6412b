-- purpose: What payment providers approve and what they cost: where to send payments, and what to negotiate.
-- parameters: from, to (days of Asia/Kolkata, both counted), client (optional: one line a gateway of this merchant, else a provider)
-- columns: provider; gateway (of the merchant asked for); method (empty: not known); succeeded; failed; undecided (the payer gave up, or
--   the gateway was asked for what it cannot do; not in the approval); approval_percent (succeeded of succeeded and failed); volume
--   (of what succeeded); stated_fee (what the provider said with the payment that it keeps, GST included); stated_fee_percent (of the
--   volume that it was said of)
-- units: amounts in paise; an attempt counts on the day on which it ended
\ir parameters.psql
select a.provider, a.gateway, a.method, sum(a.succeeded) as succeeded, sum(a.failed) as failed, sum(a.undecided) as undecided,
    round(100.0 * sum(a.succeeded) / nullif(sum(a.succeeded + a.failed), 0), 2) as approval_percent,
    sum(a.volume)::bigint as volume_paise, sum(a.stated_fees)::bigint as stated_fee_paise,
    round(100.0 * sum(a.stated_fees) / nullif(sum(a.stated_fees_volume), 0), 3) as stated_fee_percent
  from (
    select provider, null as gateway, method, succeeded, failed, undecided, volume, stated_fees, stated_fees_volume
      from reports.provider_days
      where day between :'from'::date and :'to'::date and nullif(:'client', '') is null
    union all
    select provider, null, method, succeeded, failed, undecided, volume, stated_fees, stated_fees_volume
      from reports.open_provider_days(:'from'::date, case when nullif(:'client', '') is null then :'to'::date end)
    union all
    select provider, gateway, method, succeeded, failed, undecided, volume, stated_fees, stated_fees_volume
      from reports.gateway_attempts(:'from'::date, :'to'::date, nullif(:'client', '')::uuid)
  ) a
  group by a.provider, a.gateway, a.method
  order by sum(a.volume) desc, a.provider, a.gateway, a.method;
