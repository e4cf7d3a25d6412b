-- What the studio's first page shows: today (Asia/Kolkata) against yesterday and the same day of last week up to the same
-- time; open alerts, gateways in trouble, jobs. Money in paise; commission, without GST, only where p_with_commission.
-- A payment counts when it was paid; the success rate is that of attempts, without those that the payer gave up.
create or replace function public.studio_home(p_with_commission boolean) returns jsonb
language sql stable security definer set search_path = '' as $$
  with clock as (
    select statement_timestamp() as now,
        date_trunc('day', statement_timestamp() at time zone 'Asia/Kolkata') at time zone 'Asia/Kolkata' as midnight
  ), spans as (
    select span, midnight - back as since, now - back as until
      from clock, (values ('today', interval '0'), ('yesterday', interval '1 day'), ('last_week', interval '7 days')) s (span, back)
  ), figures as (
    select span, jsonb_build_object('payments', paid.payments, 'amount', paid.amount,
        'success_rate', round(100.0 * tried.succeeded / nullif(tried.decided, 0), 1))
        || case when p_with_commission then jsonb_build_object('commission', paid.commission) else '{}' end as figures
      from spans
      cross join lateral (
        select count(*) as payments, coalesce(sum(t.amount), 0)::bigint as amount, coalesce(sum(e.amount), 0)::bigint as commission
          from public.wallet_entries e join public.transactions t on t.id = e.transaction_id
          where e.type = 'COMMISSION' and e.created_at >= spans.since and e.created_at < spans.until
      ) paid
      cross join lateral (
        select count(*) as decided, count(*) filter (where status = 'succeeded') as succeeded from public.payment_attempts
          where settled_at >= spans.since and settled_at < spans.until and status in ('succeeded', 'failed')
            and coalesce(error_code, '') not in ('cancelled_by_payer', 'payer_timed_out', 'invalid_request')
      ) tried
  )
  select jsonb_object_agg(span, figures) || jsonb_build_object(
      'alerts', (select jsonb_build_object('open', count(*), 'critical', count(*) filter (where severity = 'critical'))
        from public.alerts where status = 'open'),
      'gateways', (select jsonb_build_object('active', count(*), 'cooling_down', count(*) filter (where s.cooldown_until > now()),
            'failing', count(*) filter (where s.success_rate < 50))
        from public.payment_gateways g join public.gateway_states s on s.gateway_id = g.id where g.is_active),
      'jobs', (select jsonb_build_object(
            'waiting', count(*) filter (where locked_at is null and attempts < max_attempts and run_at <= now()),
            'dead', count(*) filter (where locked_at is null and attempts >= max_attempts))
        from graphile_worker.jobs))
    from figures
$$;
revoke all on function public.studio_home from public;
grant execute on function public.studio_home to studio;
