-- Whether an attempt says something about its gateway: not when the payer gave up or the merchant asked wrongly.
create or replace function public.is_decided(p_status text, p_error_code text) returns boolean
language sql immutable parallel safe as $$
  select p_status in ('succeeded', 'failed')
    and coalesce(p_error_code, '') not in ('cancelled_by_payer', 'payer_timed_out', 'invalid_request')
$$;
