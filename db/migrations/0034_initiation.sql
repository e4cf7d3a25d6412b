-- initiate_payments no longer echoes the request: whoever calls it has that.
drop function if exists public.initiate_payments(jsonb);
