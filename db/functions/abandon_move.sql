-- The payment stays with an attempt that the payer wanted to leave: it may have taken money, or nothing else qualifies.
-- Wakes the payer's page. Locks: transaction, attempt.
create or replace function public.abandon_move(p_attempt_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_transaction_id uuid;
begin
  select t.id into v_transaction_id from public.transactions t
    where t.id = (select transaction_id from public.payment_attempts where id = p_attempt_id) for update;
  update public.payment_attempts set move_requested_at = null, updated_at = now()
    where id = p_attempt_id and move_requested_at is not null;
  if found then
    update public.transactions set version = version + 1, updated_at = now() where id = v_transaction_id;
    perform pg_notify('transaction_status', v_transaction_id::text);
  end if;
end
$$;
revoke all on function public.abandon_move from public;
grant execute on function public.abandon_move to jobs;
