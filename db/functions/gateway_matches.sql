-- Whether a gateway is among those that a filter of studio_gateways asks for. Written as one expression so that the planner
-- inlines it.
create or replace function public.gateway_matches(g public.payment_gateways, s public.gateway_states, p_filter text) returns boolean
language sql stable parallel safe as $$
  select case p_filter
    when 'attention' then g.is_active and (s.cooldown_until > now() or s.probe_stage is not null
      or (s.outcomes >= 5 and s.success_rate < 80)
      or (s.volume_month = public.month_in_india(now()) and s.volume >= 0.9 * g.monthly_limit))
    when 'cooling' then s.cooldown_until > now() or s.probe_stage is not null
    when 'inactive' then not g.is_active
    else true
  end
$$;
revoke all on function public.gateway_matches from public;
