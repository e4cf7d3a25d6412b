-- What the studio's first page shows: today (Asia/Kolkata) against yesterday and the same day of last week up to the same
-- minute; payments an hour; open alerts, gateways in trouble, jobs. Money in paise. Commission, without GST, only where
-- p_with_commission; names and words of what is wrong only where p_with_operations.
-- Times for the charts are unix seconds.
create or replace function public.studio_home(p_with_commission boolean, p_with_operations boolean) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_now constant timestamptz := statement_timestamp();
  v_midnight constant timestamptz := date_trunc('day', v_now at time zone 'Asia/Kolkata') at time zone 'Asia/Kolkata';
  v_closed constant timestamptz := coalesce((select max(minute) + interval '1 minute' from public.payment_minutes), '-infinity');
  v_home jsonb;
begin
  select jsonb_object_agg(s.span, jsonb_build_object('payments', f.payments, 'amount', f.amount,
      'success_rate', round(100.0 * f.succeeded / nullif(f.succeeded + f.failed, 0), 1))
      || case when p_with_commission then jsonb_build_object('commission', f.commission) else '{}' end)
    into v_home
    from (values ('today', v_midnight, v_now),
      ('yesterday', v_midnight - interval '1 day', date_trunc('minute', v_now - interval '1 day')),
      ('last_week', v_midnight - interval '7 days', date_trunc('minute', v_now - interval '7 days'))) s (span, since, until)
    cross join lateral public.payment_figures(s.since, s.until) f;

  return v_home || (
    with hours as (
      select hour, sum(payments) as payments, sum(succeeded) as succeeded, sum(failed) as failed from (
        select h.hour, h.payments, h.succeeded, h.failed from public.payment_hours h where h.hour >= v_midnight - interval '1 day'
        union all
        select public.hour_in_india(t.paid_at), count(*), 0, 0 from public.transactions t
          where t.paid_at >= greatest(v_closed, v_midnight - interval '1 day') group by 1
      ) parts group by 1
    )
    select jsonb_build_object('hours', jsonb_agg(jsonb_build_array(extract(epoch from today.hour)::bigint,
        case when today.hour <= v_now then coalesce(now.payments, 0) end, coalesce(before.payments, 0)) order by today.hour))
      from generate_series(v_midnight, v_midnight + interval '23 hours', interval '1 hour') today (hour)
      left join hours now on now.hour = today.hour
      left join hours before on before.hour = today.hour - interval '1 day'
  ) || (
    select jsonb_build_object('alerts', jsonb_build_object('open', count(*), 'critical', count(*) filter (where severity = 'critical'))
        || case when p_with_operations then jsonb_build_object('newest', coalesce((
          select jsonb_agg(jsonb_build_object('id', id, 'severity', severity, 'message', message, 'count', count, 'last_at', last_at))
            from (select * from public.alerts where status = 'open'
              order by severity = 'critical' desc, severity = 'warning' desc, last_at desc limit 5) a), '[]')) else '{}' end)
      from public.alerts where status = 'open'
  ) || (
    with trouble as (
      select s.gateway_id, s.success_rate, s.cooldown_until, s.cooldown_until > v_now as is_cooling
        from public.gateway_states s join public.payment_gateways g on g.id = s.gateway_id
        where g.is_active and (s.cooldown_until > v_now or s.success_rate < 50)
    )
    select jsonb_build_object('gateways', jsonb_build_object('cooling_down', count(*) filter (where is_cooling),
          'failing', count(*) filter (where success_rate < 50))
        || case when p_with_operations then jsonb_build_object('worst', coalesce((
          select jsonb_agg(jsonb_build_object('id', g.id, 'name', g.name, 'merchant', c.company_name, 'success_rate', w.success_rate,
              'cooldown_until', case when w.is_cooling then w.cooldown_until end) order by w.success_rate, g.id)
            from (select * from trouble order by success_rate, gateway_id limit 5) w
            join public.payment_gateways g on g.id = w.gateway_id
            join public.clients c on c.id = g.client_id), '[]')) else '{}' end)
      from trouble
  ) || (
    -- The first so many: a number to look at, not one to count by.
    select jsonb_build_object('jobs', jsonb_build_object(
        'waiting', count(*) filter (where locked_at is null and attempts < max_attempts and run_at <= v_now),
        'running', count(*) filter (where locked_at is not null),
        'dead', count(*) filter (where locked_at is null and attempts >= max_attempts), 'is_all', count(*) < 20000))
      from (select locked_at, attempts, max_attempts, run_at from graphile_worker.jobs limit 20000) j
  );
end
$$;
revoke all on function public.studio_home from public;
grant execute on function public.studio_home to studio;
