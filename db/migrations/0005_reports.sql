-- What finance reads. Views run with their owner's rights; the role finance sees this schema and nothing else.

-- Commission booked a day (Asia/Kolkata) and merchant, paise.
create view reports.vw_commission_daily as
  select (e.created_at at time zone 'Asia/Kolkata')::date as day,
      e.client_id,
      c.company_name,
      count(*) filter (where e.type = 'COMMISSION') as payments,
      coalesce(sum(t.amount) filter (where e.type = 'COMMISSION'), 0)::bigint as volume,
      coalesce(sum(e.amount) filter (where e.type = 'COMMISSION'), 0)::bigint as commission,
      coalesce(sum(e.amount) filter (where e.type = 'COMMISSION_GST'), 0)::bigint as gst,
      coalesce(sum(e.amount) filter (where e.type = 'COMMISSION_REVERSAL'), 0)::bigint as reversed
    from public.wallet_entries e
    join public.clients c on c.id = e.client_id
    left join public.transactions t on t.id = e.transaction_id
    group by 1, 2, 3;

-- What each merchant owes now, paise.
create view reports.vw_commission_due as
  select w.client_id, c.company_name, w.balance_due, c.suspend_threshold, w.warn_threshold, w.updated_at
    from public.wallets w join public.clients c on c.id = w.client_id;

grant select on all tables in schema reports to finance;

-- Gateways with their routing state under one roof, for people with an SQL client.
create view public.payment_gateways_live with (security_invoker = true) as
  select g.id, g.client_id, g.name, g.provider, g.priority, g.weight, g.is_active, g.monthly_limit,
      case when s.volume_month = date_trunc('month', now() at time zone 'Asia/Kolkata')::date then s.volume else 0 end as current_volume,
      s.success_rate,
      coalesce(s.cooldown_until > now(), false) as temp_failed,
      s.cooldown_until as temp_failed_until,
      s.last_used_at,
      s.last_response_code
    from public.payment_gateways g join public.gateway_states s on s.gateway_id = g.id;
