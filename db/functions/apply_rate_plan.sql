-- A merchant on a plan has the plan's limits, so that the hot path reads them from the merchant alone. Whoever gives a merchant
-- limits of its own takes it off the plan.
create or replace function public.apply_rate_plan() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.rate_plan is null then
    return new;
  elsif tg_op = 'UPDATE' and new.rate_plan is not distinct from old.rate_plan
      and (new.rate_limit_per_minute, new.burst_per_second) is distinct from (old.rate_limit_per_minute, old.burst_per_second)
      and not exists (select from public.rate_plans p where p.name = new.rate_plan
        and (p.requests_per_minute, p.burst_per_second) = (new.rate_limit_per_minute, new.burst_per_second)) then
    new.rate_plan := null;
    return new;
  end if;
  select requests_per_minute, burst_per_second into new.rate_limit_per_minute, new.burst_per_second
    from public.rate_plans where name = new.rate_plan;
  return new;
end
$$;
create or replace trigger clients_rate_plan before insert or update of rate_plan, rate_limit_per_minute, burst_per_second
  on public.clients for each row execute function public.apply_rate_plan();
