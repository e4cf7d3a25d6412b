-- A gateway's success rate, of the method where the request names one that was measured, else of all.
create or replace function public.gateway_rate(s public.gateway_states, p_method text) returns numeric
language sql immutable parallel safe as $$
  select coalesce((s.method_rates -> p_method ->> 'rate')::numeric, s.success_rate)
$$;
