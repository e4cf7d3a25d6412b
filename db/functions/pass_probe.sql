-- A request through a gateway on its way back from a cool-down went well. Three of them (one at the first stage) bring the
-- next stage: a single request, then 5 %, 20 %, 50 % of the requests, then all. Does nothing for other gateways.
-- Locks: the gateway's gateway_states row, when it is probed.
create or replace function public.pass_probe(p_gateway_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_state public.gateway_states;
begin
  update public.gateway_states set
      probe_stage = case when probe_passes + 1 < 3 and probe_stage > 0 then probe_stage when probe_stage < 3 then probe_stage + 1 end,
      probe_passes = case when probe_passes + 1 < 3 and probe_stage > 0 then probe_passes + 1 else 0 end,
      probe_sent_at = null,
      cooldowns_in_row = case when probe_passes + 1 >= 3 and probe_stage = 3 then 0 else cooldowns_in_row end
    where gateway_id = p_gateway_id and probe_stage is not null and coalesce(cooldown_until, now()) <= now()
    returning * into v_state;
  if found and v_state.probe_stage is null then
    insert into public.gateway_log (gateway_id, client_id, kind) values (p_gateway_id, v_state.client_id, 'recovered');
  end if;
end
$$;
revoke all on function public.pass_probe from public;
