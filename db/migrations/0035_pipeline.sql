-- Work behind a payment is done for many at a time: accept_gateway_events took this one's place.
drop function if exists public.accept_gateway_event(uuid, text, text, jsonb, bytea, boolean);
