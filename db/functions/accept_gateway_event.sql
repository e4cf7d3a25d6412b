-- Stores a PSP's webhook, whose signature the application has checked, and adds the job that processes it. Durable when it
-- returns; only then is the PSP answered. A repetition (same gateway and dedupe key) stores nothing.
create or replace function public.accept_gateway_event(
  p_gateway_id uuid, p_dedupe_key text, p_event_type text, p_headers jsonb, p_raw_body bytea, p_verified boolean
) returns table (event_id uuid, duplicate boolean)
language plpgsql security definer set search_path = '' as $$
declare
  v_event_id uuid;
begin
  insert into public.gateway_events (client_id, gateway_id, provider, dedupe_key, event_type, headers, raw_body, verified)
    select g.client_id, g.id, g.provider, p_dedupe_key, p_event_type, p_headers, p_raw_body, p_verified
      from public.payment_gateways g where g.id = p_gateway_id
    on conflict on constraint gateway_events_gateway_id_dedupe_key_key do nothing
    returning id into v_event_id;
  if v_event_id is not null then
    perform graphile_worker.add_job(public.egress_task('process_gateway_event', p_gateway_id), json_build_object('event_id', v_event_id), max_attempts => 5);
    return query select v_event_id, false;
  else
    return query select e.id, true from public.gateway_events e where e.gateway_id = p_gateway_id and e.dedupe_key = p_dedupe_key;
  end if;
end
$$;
revoke all on function public.accept_gateway_event from public;
grant execute on function public.accept_gateway_event to checkout;
