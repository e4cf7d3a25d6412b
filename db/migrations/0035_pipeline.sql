-- Work behind a payment is done for many at a time: accept_gateway_events and read_gateway_events took these ones' places.
drop function if exists public.accept_gateway_event(uuid, text, text, jsonb, bytea, boolean);
drop function if exists public.read_gateway_event(uuid);
