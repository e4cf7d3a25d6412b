-- A stored PSP webhook, for processing.
create or replace function public.read_gateway_event(p_event_id uuid)
returns table (event_id uuid, gateway_id uuid, provider text, headers jsonb, raw_body bytea, body_proven boolean, processed_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select id, gateway_id, provider, headers, raw_body, verified, processed_at from public.gateway_events where id = p_event_id
$$;
revoke all on function public.read_gateway_event from public;
grant execute on function public.read_gateway_event to jobs;
