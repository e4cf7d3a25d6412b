-- A credit to the merchant's VPA is known to have arrived for an attempt: uses up its UTR and settles the attempt, also a
-- late one. The caller has made sure of the credit (a bank statement, or an operator).
-- Errors: LS041 utr_already_used.
-- Locks: the transaction, then as settle_attempt. Safe to repeat.
create or replace function public.settle_upi_receipt(p_attempt_id uuid, p_utr text, p_source text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_attempt public.payment_attempts;
  v_transaction public.transactions;
  v_amount bigint;
begin
  select t.* into strict v_transaction from public.transactions t
    where t.id = (select transaction_id from public.payment_attempts where id = p_attempt_id) for update;
  select * into strict v_attempt from public.payment_attempts where id = p_attempt_id;
  v_amount := coalesce(v_attempt.payable_amount, v_transaction.amount);
  insert into public.upi_receipts (client_id, utr, gateway_id, attempt_id, amount, source)
    values (v_attempt.client_id, p_utr, v_attempt.gateway_id, p_attempt_id, v_amount, p_source)
    on conflict on constraint upi_receipts_pkey do nothing;
  if not found then
    if (select attempt_id from public.upi_receipts where client_id = v_attempt.client_id and utr = p_utr) = p_attempt_id then
      return;
    end if;
    raise exception using errcode = 'LS041', message = 'this UTR proves another payment', detail = p_utr,
      hint = 'Look for the UTR among the UTR claims and the lines of the bank statements.';
  end if;
  perform public.settle_attempt(p_attempt_id, jsonb_build_object('outcome', 'succeeded', 'psp_payment_id', p_utr,
    'amount', v_amount, 'currency', v_transaction.currency, 'method', 'upi', 'bank_reference', p_utr,
    'raw', jsonb_build_object('utr', p_utr, 'source', p_source)));
  update public.utr_claims set status = 'approved', decided_at = now(), decided_by = coalesce(decided_by, p_source)
    where attempt_id = p_attempt_id and utr = p_utr and status = 'submitted';
end
$$;
revoke all on function public.settle_upi_receipt from public;
