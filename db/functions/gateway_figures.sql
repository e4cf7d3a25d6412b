-- What changes on a gateway while it works, for the studio. volume and monthly_limit in paise, of the month that runs in
-- Asia/Kolkata; success_rate in percent. circuit and probe_share as in explain_routing. points_under_last_week: of an
-- open alert that its payments succeed less often, else null. Nothing in it moves with the clock alone but used_this_minute,
-- so that a watcher is told of changes only.
create or replace function public.gateway_figures(g public.payment_gateways, s public.gateway_states, p_max_rpm integer)
returns jsonb
language sql stable parallel safe as $$
  select jsonb_build_object(
    'is_active', g.is_active, 'priority', g.priority, 'weight', g.weight, 'monthly_limit', g.monthly_limit,
    'volume', case when s.volume_month = public.month_in_india(now()) then s.volume else 0 end,
    'success_rate', s.success_rate, 'outcomes', s.outcomes,
    'points_under_last_week', (select a.details -> 'points' from public.alerts a
      where a.dedupe_key = 'success_rate_dropped:' || g.id and a.status <> 'resolved'),
    'circuit', case when s.cooldown_until > now() then 'open' when s.probe_stage is not null then 'half_open' else 'closed' end,
    'probe_share', public.probe_share(s.probe_stage), 'cooldowns_in_row', s.cooldowns_in_row,
    'cooldown_until', case when s.cooldown_until > now() then public.iso_time(s.cooldown_until) end,
    'used_this_minute', case when s.window_started_at > now() - interval '1 minute' then s.window_count else 0 end,
    'max_rpm', p_max_rpm, 'last_used_at', public.iso_time(s.last_used_at), 'last_response_code', s.last_response_code)
$$;
revoke all on function public.gateway_figures from public;
