-- An operator ends a gateway's cool-down before its time. It comes back as after any cool-down, by probes; p_full gives it its
-- full share at once, which also ends the trial of one that is on its way back. Logged, audited, and the alert is resolved.
-- Answers whether there was anything to end.
-- Locks: the gateway's gateway_states row, then its alert.
-- Errors: LS044 reason_needed, LS050 no_such_gateway.
create or replace function public.clear_cooldown(p_gateway_id uuid, p_full boolean, p_reason text, p_actor text) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  v_state public.gateway_states;
  v_details jsonb;
begin
  if coalesce(btrim(p_reason), '') = '' then
    raise exception using errcode = 'LS044', message = 'ending a cool-down needs a reason';
  end if;
  select * into v_state from public.gateway_states where gateway_id = p_gateway_id for update;
  if not found then
    raise exception using errcode = 'LS050', message = 'no such gateway', detail = p_gateway_id::text;
  end if;
  if coalesce(v_state.cooldown_until, now()) <= clock_timestamp() and (v_state.probe_stage is null or not p_full) then
    return false;
  end if;
  update public.gateway_states set
      cooldown_until = null, probe_sent_at = null,
      probe_stage = case when not p_full then probe_stage end,
      probe_passes = case when not p_full then probe_passes else 0 end,
      cooldowns_in_row = case when not p_full then cooldowns_in_row else 0 end
    where gateway_id = p_gateway_id;
  v_details := jsonb_build_object('reason', btrim(p_reason), 'full', p_full, 'until', v_state.cooldown_until,
    'probe_stage', v_state.probe_stage);
  insert into public.gateway_log (gateway_id, client_id, kind, details)
    values (p_gateway_id, v_state.client_id, 'cleared', v_details);
  update public.alerts set status = 'resolved', last_at = now()
    where status <> 'resolved' and dedupe_key = 'gateway_cooled_down:' || p_gateway_id;
  perform public.record_audit(p_actor, 'clear_cooldown', 'payment_gateways', p_gateway_id::text, v_details);
  return true;
end
$$;
revoke all on function public.clear_cooldown from public;
grant execute on function public.clear_cooldown to studio;
