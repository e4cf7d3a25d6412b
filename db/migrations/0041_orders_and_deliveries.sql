-- What a worker does around a payment is done for all rows of a call at once: the functions for one row, and those that called them
-- for each, made room for functions that say how long they wait (p_is_alone).
drop function if exists public.begin_psp_orders(uuid[]);
drop function if exists public.begin_psp_order(uuid);
drop function if exists public.record_psp_orders(jsonb);
drop function if exists public.record_psp_order(uuid, text, jsonb, integer);
drop function if exists public.begin_deliveries(uuid[]);
drop function if exists public.begin_delivery(uuid);
drop function if exists public.record_deliveries(jsonb);
drop function if exists public.record_delivery(uuid, text, integer, text, integer, integer, integer);
