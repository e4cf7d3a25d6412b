-- Stored PSP webhooks, for processing.
create or replace function public.read_gateway_events(p_event_ids uuid[])
returns table (event_id uuid, gateway_id uuid, provider text, headers jsonb, raw_body bytea, body_proven boolean, processed_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select id, gateway_id, provider, headers, raw_body, verified, processed_at from public.gateway_events where id = any (p_event_ids)
$$;
revoke all on function public.read_gateway_events from public;
grant execute on function public.read_gateway_events to jobs;
