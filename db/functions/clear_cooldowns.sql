-- Logs gateways whose cool-down is over and resolves its alert. Routing does not wait for this: it compares times. They come
-- back by probes.
create or replace function public.clear_cooldowns() returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_ids uuid[];
begin
  with over as (
    update public.gateway_states s set cooldown_until = null
      where s.gateway_id in (select gateway_id from public.gateway_states
        where cooldown_until <= now() order by gateway_id for update skip locked)
      returning s.gateway_id, s.client_id
  ), logged as (
    insert into public.gateway_log (gateway_id, client_id, kind) select gateway_id, client_id, 'returned' from over
      returning gateway_id
  )
  select array_agg(gateway_id) into v_ids from logged;
  perform public.write_studio_event('gateway.returned', g.client_id, jsonb_build_object('gateway_id', g.id,
      'client_id', g.client_id, 'name', g.name, 'provider', g.provider))
    from public.payment_gateways g where g.id = any (v_ids);
  update public.alerts set status = 'resolved', last_at = now()
    where status <> 'resolved' and dedupe_key in (select 'gateway_cooled_down:' || id from unnest(v_ids) id);
  return coalesce(cardinality(v_ids), 0);
end
$$;
revoke all on function public.clear_cooldowns from public;
grant execute on function public.clear_cooldowns to jobs;
