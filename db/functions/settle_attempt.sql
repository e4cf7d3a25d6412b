-- Records what a PSP says became of an attempt, as settle_attempts does for many: of its payment, and after that of those in
-- p_state's `further`, which took money for the same order. Returns the payment's status in the end and whether it changed.
create or replace function public.settle_attempt(p_attempt_id uuid, p_state jsonb)
returns table (transaction_status text, changed boolean)
language sql security definer set search_path = '' as $$
  select (array_agg(s.transaction_status order by s.place desc))[1], bool_or(s.changed)
    from (select array[p_state] || array(
        select f.state from jsonb_array_elements(p_state -> 'further') with ordinality as f (state, place) order by f.place) as states) told,
      lateral public.settle_attempts(array_fill(p_attempt_id, array[cardinality(told.states)]), told.states)
        with ordinality as s (transaction_id, transaction_status, changed, place)
$$;
revoke all on function public.settle_attempt from public;
grant execute on function public.settle_attempt to jobs;
