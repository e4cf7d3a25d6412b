-- Records what a PSP says became of an attempt. Status, commission, GST, wallet, outgoing event and jobs commit together. p_state,
-- and what follows from it: apply_attempt_state. Safe to repeat: a hundred copies book one commission. Returns the payment's
-- status and whether it changed.
-- Locks: transaction, attempt, then client_usage, gateway_states, wallet.
create or replace function public.settle_attempt(p_attempt_id uuid, p_state jsonb)
returns table (transaction_status text, changed boolean)
language plpgsql security definer set search_path = '' as $$
declare
  v_settled record;
begin
  select * into strict v_settled from public.apply_attempt_state(p_attempt_id, p_state);
  if v_settled.changed then
    perform public.write_transaction_events(array[v_settled.transaction_id]);
  end if;
  return query select v_settled.transaction_status, v_settled.changed;
end
$$;
revoke all on function public.settle_attempt from public;
grant execute on function public.settle_attempt to jobs;
