-- Why a gateway cannot take a payment now, or null when it can. The one definition of "eligible": routing selects with
-- it and explain_routing shows it. Written as one expression so that the planner inlines it.
-- p_amount in paise; p_max_rpm null = no limit; p_method null = the payer will choose.
create or replace function public.gateway_obstacle(
  g public.payment_gateways, s public.gateway_states, p_max_rpm integer,
  p_amount bigint, p_currency text, p_method text, p_now timestamptz
) returns text
language sql stable parallel safe as $$
  select case
    when not g.is_active then 'inactive'
    when s.cooldown_until > p_now then 'cooling_down'
    when not g.currencies ? p_currency then 'currency_not_supported'
    when p_method is not null and g.methods is not null and not g.methods ? p_method then 'method_not_supported'
    when p_amount < g.min_amount then 'amount_below_minimum'
    when p_amount > g.max_amount then 'amount_above_maximum'
    when g.monthly_limit is not null and g.monthly_limit < p_amount
      + case when s.volume_month = public.month_in_india(p_now) then s.volume else 0 end then 'monthly_limit_reached'
    when s.window_count >= p_max_rpm and s.window_started_at > p_now - interval '1 minute' then 'rpm_limit_reached'
  end
$$;
