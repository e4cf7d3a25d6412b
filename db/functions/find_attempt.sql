-- The attempt that a PSP's message is about (attempt_about), or null.
create or replace function public.find_attempt(p_gateway_id uuid, p_psp_order_id text, p_reference text) returns uuid
language sql stable security definer set search_path = '' as $$
  select attempt_id from public.attempt_about(p_gateway_id, p_psp_order_id, p_reference)
$$;
revoke all on function public.find_attempt from public;
grant execute on function public.find_attempt to jobs;
