-- Takes a plan away that no merchant is on. Audited.
-- Errors: LS044 reason_needed, LS324 no_such_rate_plan, LS325 rate_plan_in_use. Locks: the plan.
create or replace function public.remove_rate_plan(p_name text, p_reason text, p_actor text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_plan public.rate_plans;
begin
  if coalesce(trim(p_reason), '') = '' then
    raise exception using errcode = 'LS044', message = 'say why the plan is removed';
  end if;
  delete from public.rate_plans where name = p_name returning * into v_plan;
  if not found then
    raise exception using errcode = 'LS324', message = 'no such plan', detail = p_name;
  end if;
  perform public.record_audit(p_actor, 'remove_rate_plan', 'rate_plans', p_name,
    jsonb_build_object('before', to_jsonb(v_plan), 'reason', trim(p_reason)));
exception
  when foreign_key_violation then
    raise exception using errcode = 'LS325', message = 'merchants are on this plan', detail = p_name,
      hint = 'Give them another plan on their pages first.';
end
$$;
revoke all on function public.remove_rate_plan from public;
grant execute on function public.remove_rate_plan to studio;
