-- Keeps a gateway out of routing for the merchant's cool-down (or as long as the PSP asked, if longer), with log and alert.
-- Locks: one gateway_states row.
create or replace function public.cool_gateway(p_gateway_id uuid, p_reason text, p_response_code integer, p_retry_after_seconds integer)
returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_gateway record;
  v_until timestamptz;
begin
  select g.client_id, g.name, g.provider,
      clock_timestamp() + greatest(c.cooldown_seconds, least(p_retry_after_seconds, 86400)) * interval '1 second' as until
    into strict v_gateway
    from public.payment_gateways g join public.clients c on c.id = g.client_id
    where g.id = p_gateway_id;
  update public.gateway_states set cooldown_until = greatest(cooldown_until, v_gateway.until), last_response_code = p_response_code
    where gateway_id = p_gateway_id
    returning cooldown_until into v_until;
  insert into public.gateway_log (gateway_id, client_id, kind, details)
    values (p_gateway_id, v_gateway.client_id, 'cooled_down',
      jsonb_build_object('reason', p_reason, 'response_code', p_response_code, 'until', v_until));
  perform public.raise_alert('gateway_cooled_down', 'warning',
    format('Gateway "%s" (%s) is cooling down: %s.', v_gateway.name, v_gateway.provider, p_reason),
    jsonb_build_object('gateway_id', p_gateway_id, 'reason', p_reason, 'response_code', p_response_code),
    'gateway_cooled_down:' || p_gateway_id, v_gateway.client_id);
end
$$;
revoke all on function public.cool_gateway from public;
