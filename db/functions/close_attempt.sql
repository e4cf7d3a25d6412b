-- An order that nobody is to pay any more was closed at its PSP: it is not looked up again. A success that the PSP still tells of
-- is believed as before. Safe to repeat. Locks: attempt.
create or replace function public.close_attempt(p_attempt_id uuid) returns void
language sql security definer set search_path = '' as $$
  update public.payment_attempts set closed_at = now(), next_lookup_at = null, updated_at = now()
    where id = p_attempt_id and status <> 'succeeded' and closed_at is null
$$;
revoke all on function public.close_attempt from public;
grant execute on function public.close_attempt to jobs;
