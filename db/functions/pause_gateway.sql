-- Keeps a gateway out of routing for p_minutes (at most a day), by a flow or an operator; it returns by probes like one that
-- cooled down. Longer cool-downs stay. Audited.
-- Errors: LS050 no_such_gateway, LS182 invalid_duration, LS044 reason_needed. Locks: one gateway_states row.
create or replace function public.pause_gateway(p_gateway_id uuid, p_minutes integer, p_reason text, p_actor text)
returns timestamptz
language plpgsql security definer set search_path = '' as $$
declare
  v_client_id uuid;
  v_until timestamptz;
begin
  if coalesce(trim(p_reason), '') = '' then
    raise exception using errcode = 'LS044', message = 'say why the gateway is paused';
  elsif p_minutes is null or p_minutes not between 1 and 1440 then
    raise exception using errcode = 'LS182', message = 'a pause lasts from a minute to a day';
  end if;
  update public.gateway_states set cooldown_until = greatest(cooldown_until, clock_timestamp() + p_minutes * interval '1 minute'),
      probe_stage = 0, probe_passes = 0, probe_sent_at = null
    where gateway_id = p_gateway_id returning client_id, cooldown_until into v_client_id, v_until;
  if not found then
    raise exception using errcode = 'LS050', message = 'no such gateway', detail = p_gateway_id::text;
  end if;
  insert into public.gateway_log (gateway_id, client_id, kind, details)
    values (p_gateway_id, v_client_id, 'paused', jsonb_build_object('reason', p_reason, 'until', v_until));
  perform public.record_audit(p_actor, 'pause_gateway', 'payment_gateways', p_gateway_id::text,
    jsonb_build_object('minutes', p_minutes, 'until', public.iso_time(v_until), 'reason', p_reason));
  return v_until;
end
$$;
revoke all on function public.pause_gateway from public;
grant execute on function public.pause_gateway to studio;
