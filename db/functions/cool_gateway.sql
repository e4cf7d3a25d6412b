-- Keeps a gateway out of routing for the merchant's cool-down (or as long as the PSP asked, if longer), with log and alert.
-- It returns by probes (pass_probe). One that fails on its way back cools down twice as long as before, up to an hour.
-- Locks: one gateway_states row.
create or replace function public.cool_gateway(p_gateway_id uuid, p_reason text, p_response_code integer, p_retry_after_seconds integer)
returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_gateway record;
  v_until timestamptz;
begin
  select g.client_id, g.name, g.provider, c.cooldown_seconds into strict v_gateway
    from public.payment_gateways g join public.clients c on c.id = g.client_id
    where g.id = p_gateway_id;
  update public.gateway_states s set
      -- requests that were under way when it began to cool say nothing new
      cooldowns_in_row = case when s.cooldown_until > clock_timestamp() then s.cooldowns_in_row
        when s.probe_stage is null then 1 else least(s.cooldowns_in_row + 1, 10) end,
      cooldown_until = greatest(s.cooldown_until, clock_timestamp() + interval '1 second' * greatest(
        -- least() would take the day where the PSP named no time
        least(coalesce(p_retry_after_seconds, 0), 86400), v_gateway.cooldown_seconds,
        case when s.cooldown_until > clock_timestamp() or s.probe_stage is null then 0
          else least(3600, v_gateway.cooldown_seconds * power(2, s.cooldowns_in_row)) end)),
      probe_stage = 0, probe_passes = 0, probe_sent_at = null, last_response_code = p_response_code
    where s.gateway_id = p_gateway_id
    returning s.cooldown_until into v_until;
  insert into public.gateway_log (gateway_id, client_id, kind, details)
    values (p_gateway_id, v_gateway.client_id, 'cooled_down',
      jsonb_build_object('reason', p_reason, 'response_code', p_response_code, 'until', v_until));
  perform public.write_studio_event('gateway.cooled_down', v_gateway.client_id, jsonb_build_object('gateway_id', p_gateway_id,
    'client_id', v_gateway.client_id, 'name', v_gateway.name, 'provider', v_gateway.provider, 'reason', p_reason,
    'response_code', p_response_code, 'until', public.iso_time(v_until)));
  perform public.raise_alert('gateway_cooled_down', 'warning',
    format('Gateway "%s" (%s) is cooling down: %s.', v_gateway.name, v_gateway.provider, p_reason),
    jsonb_build_object('gateway_id', p_gateway_id, 'reason', p_reason, 'response_code', p_response_code),
    'gateway_cooled_down:' || p_gateway_id, v_gateway.client_id);
end
$$;
revoke all on function public.cool_gateway from public;
