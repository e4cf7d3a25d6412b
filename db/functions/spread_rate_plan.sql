-- Gives a plan's new numbers to the merchants on it.
create or replace function public.spread_rate_plan() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.clients set rate_limit_per_minute = new.requests_per_minute, burst_per_second = new.burst_per_second
    where rate_plan = new.name;
  return null;
end
$$;
create or replace trigger rate_plans_spread after update on public.rate_plans
  for each row execute function public.spread_rate_plan();
