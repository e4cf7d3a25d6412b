-- Makes a plan, or gives one other numbers, which are then those of all merchants on it (spread_rate_plan). Audited.
-- Errors: LS044 reason_needed, LS322 invalid_rate_plan. Locks: the plan, then the merchants on it.
create or replace function public.save_rate_plan(
  p_name text, p_requests_per_minute integer, p_burst_per_second integer, p_reason text, p_actor text
) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_before jsonb;
begin
  if coalesce(trim(p_reason), '') = '' then
    raise exception using errcode = 'LS044', message = 'say why the limits change';
  elsif p_burst_per_second > p_requests_per_minute then
    raise exception using errcode = 'LS322', message = 'more at once than in a minute can never be used',
      hint = 'Enter at most as many at once as a minute allows.';
  end if;
  select to_jsonb(p) into v_before from public.rate_plans p where name = p_name for update;
  insert into public.rate_plans as p (name, requests_per_minute, burst_per_second)
    values (p_name, p_requests_per_minute, p_burst_per_second)
    on conflict (name) do update set requests_per_minute = excluded.requests_per_minute, burst_per_second = excluded.burst_per_second;
  perform public.record_audit(p_actor, 'save_rate_plan', 'rate_plans', p_name, jsonb_build_object('before', v_before,
    'requests_per_minute', p_requests_per_minute, 'burst_per_second', p_burst_per_second, 'reason', trim(p_reason)));
exception
  when check_violation or not_null_violation then
    raise exception using errcode = 'LS322', message = 'this is no plan',
      hint = 'Its name is of 2 to 31 small letters, digits and _, beginning with a letter; it allows 1 to 1,000,000 requests a minute and 1 to 100,000 at once.';
end
$$;
revoke all on function public.save_rate_plan from public;
grant execute on function public.save_rate_plan to studio;
