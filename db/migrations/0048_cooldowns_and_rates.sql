-- What clear_cooldowns looks for: the few gateways that are cooling down. A row's other changes leave no mark on it.
create index gateway_states_cooldown_until_idx on public.gateway_states (cooldown_until) where cooldown_until is not null;

-- It takes the merchants too.
drop function if exists public.refresh_success_rates(interval);
