-- The payer wants another try elsewhere. Marks the newest attempt and adds the job that finds out whether it can be left
-- (move_payment). False when the payment cannot move now.
-- Locks: transaction, attempt. Safe to repeat.
create or replace function public.request_another_gateway(p_transaction_id uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  v_transaction public.transactions;
  v_attempt public.payment_attempts;
begin
  select * into v_transaction from public.transactions where id = p_transaction_id for update;
  if not found then
    return false;
  end if;
  select * into v_attempt from public.payment_attempts
    where transaction_id = p_transaction_id order by attempt_no desc limit 1 for update;
  if not public.can_move_payment(v_transaction, v_attempt) then
    return false;
  end if;
  if v_attempt.move_requested_at > now() - interval '1 minute' then
    return true;
  end if;
  update public.payment_attempts set move_requested_at = now(), updated_at = now() where id = v_attempt.id;
  perform graphile_worker.add_job(public.egress_task('move_payment', v_attempt.gateway_id), json_build_object('attempt_id', v_attempt.id),
    max_attempts => 4, job_key => 'move_payment:' || v_attempt.id, priority => -1);
  perform pg_notify('job_lane', 'moves');
  update public.transactions set version = version + 1, updated_at = now() where id = p_transaction_id;
  perform pg_notify('transaction_status', p_transaction_id::text);
  return true;
end
$$;
revoke all on function public.request_another_gateway from public;
grant execute on function public.request_another_gateway to checkout;
