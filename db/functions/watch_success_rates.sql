-- Compares each gateway's last closed hour (gateway_hours) with the same hour a week before, and raises an alert where payments
-- succeeded more than p_points less often. Both hours need p_least decided attempts, and the drop must be more than chance: p_sigmas
-- standard deviations of the difference of two proportions (pooled), which a drop of 10 points reaches at some 230 attempts an hour,
-- one of 20 at 70, one of 50 at 20. An alert is resolved when an hour that can be compared is not so, or none was for a day.
-- Returns how many gateways are so in this hour. p_lag as for close_gateway_hours. Locks: alerts.
create or replace function public.watch_success_rates(
  p_points numeric default 10, p_least integer default 20, p_sigmas numeric default 3, p_lag interval default '2 minutes'
) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_hour constant timestamptz := public.hour_in_india(now() - p_lag) - interval '1 hour';
  v_dropped uuid[] := '{}';
  v_compared uuid[] := '{}';
  v record;
begin
  for v in
    select c.*, g.name, g.provider, m.company_name, round(100 * (c.rate_before - c.rate), 1) as points,
        c.rate_before - c.rate > p_points / 100
          and c.rate_before - c.rate >= p_sigmas * sqrt(c.pooled * (1 - c.pooled) * (1.0 / c.attempts + 1.0 / c.attempts_before)) as is_dropped
      from (
        select n.gateway_id, n.client_id, n.succeeded + n.failed as attempts, b.succeeded + b.failed as attempts_before,
            n.succeeded::numeric / (n.succeeded + n.failed) as rate, b.succeeded::numeric / (b.succeeded + b.failed) as rate_before,
            (n.succeeded + b.succeeded)::numeric / (n.succeeded + n.failed + b.succeeded + b.failed) as pooled
          from public.gateway_hours n
          join public.gateway_hours b on b.gateway_id = n.gateway_id and b.hour = n.hour - interval '7 days'
          where n.hour = v_hour and n.succeeded + n.failed >= greatest(p_least, 1) and b.succeeded + b.failed >= greatest(p_least, 1)
      ) c
      join public.payment_gateways g on g.id = c.gateway_id
      join public.clients m on m.id = c.client_id
      order by c.gateway_id
  loop
    v_compared := v_compared || v.gateway_id;
    if v.is_dropped then
      v_dropped := v_dropped || v.gateway_id;
      perform public.raise_alert('success_rate_dropped', 'warning',
        format('Payments of %s through "%s" (%s) succeed %s points less often than in the same hour last week: %s %% of %s, then %s %% of %s.',
          v.company_name, v.name, v.provider, v.points, round(100 * v.rate, 1), v.attempts, round(100 * v.rate_before, 1), v.attempts_before),
        jsonb_build_object('gateway_id', v.gateway_id, 'hour', public.iso_time(v_hour), 'points', v.points, 'success_rate', round(100 * v.rate, 1),
          'attempts', v.attempts, 'success_rate_last_week', round(100 * v.rate_before, 1), 'attempts_last_week', v.attempts_before),
        'success_rate_dropped:' || v.gateway_id, v.client_id);
    end if;
  end loop;
  update public.alerts set status = 'resolved'
    where kind = 'success_rate_dropped' and status <> 'resolved'
      and ((details ->> 'gateway_id')::uuid = any (v_compared) and (details ->> 'gateway_id')::uuid <> all (v_dropped)
        or last_at < clock_timestamp() - interval '1 day');
  return cardinality(v_dropped);
end
$$;
revoke all on function public.watch_success_rates from public;
grant execute on function public.watch_success_rates to jobs;
