-- Records what a PSP says became of an attempt, as settle_attempts does for many. Returns the payment's status and whether it changed.
create or replace function public.settle_attempt(p_attempt_id uuid, p_state jsonb)
returns table (transaction_status text, changed boolean)
language sql security definer set search_path = '' as $$
  select s.transaction_status, s.changed from public.settle_attempts(array[p_attempt_id], array[p_state]) s
$$;
revoke all on function public.settle_attempt from public;
grant execute on function public.settle_attempt to jobs;
