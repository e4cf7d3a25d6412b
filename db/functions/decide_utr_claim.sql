-- An operator has looked at the merchant's bank account: approves a payer's UTR, which settles the payment, or rejects it with
-- a reason, upon which the payer may name another. Audited.
-- A statement that brought this UTR with another amount, or before the payment was asked for, speaks against it.
-- Errors: LS026 no_such_claim, LS041 utr_already_used, LS043 already_decided, LS044 reason_needed, LS046 line_does_not_fit.
-- Locks: transaction, claim, then as settle_attempt.
create or replace function public.decide_utr_claim(p_claim_id uuid, p_approve boolean, p_reason text, p_actor text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := coalesce(nullif(p_actor, ''), session_user);
  v_claim public.utr_claims;
begin
  perform from public.transactions where id = (select transaction_id from public.utr_claims where id = p_claim_id) for update;
  select * into v_claim from public.utr_claims where id = p_claim_id for update;
  if not found then
    raise exception using errcode = 'LS026', message = 'no such UTR claim', detail = coalesce(p_claim_id::text, 'null');
  end if;
  if v_claim.status <> 'submitted' then
    raise exception using errcode = 'LS043', message = 'this claim is decided already', detail = v_claim.status;
  end if;
  if not p_approve and coalesce(length(trim(p_reason)), 0) = 0 then
    raise exception using errcode = 'LS044', message = 'a rejection needs a reason',
      hint = 'Say what is wrong with the UTR: the payer is asked to check it.';
  end if;
  if p_approve and exists (select from public.bank_statement_lines l join public.payment_attempts a on a.id = v_claim.attempt_id
      where l.client_id = v_claim.client_id and l.utr = v_claim.utr
        and (l.amount <> v_claim.amount or l.credited_on < (a.created_at at time zone 'Asia/Kolkata')::date)) then
    raise exception using errcode = 'LS046', message = 'the bank statement has this UTR with another amount or of an earlier day',
      hint = 'Look the UTR up under the lines of the bank statements, and reject the claim.';
  end if;
  update public.utr_claims set status = case when p_approve then 'approved' else 'rejected' end, reason = p_reason,
      decided_by = v_actor, decided_at = now()
    where id = p_claim_id returning * into v_claim;
  if p_approve then
    perform public.settle_upi_receipt(v_claim.attempt_id, v_claim.utr, 'operator');
    update public.bank_statement_lines set status = 'matched', attempt_id = v_claim.attempt_id, resolved_at = now(), resolved_by = v_actor,
        resolution = 'The claim was approved.'
      where gateway_id = v_claim.gateway_id and utr = v_claim.utr and status = 'exception';
  else
    update public.transactions set version = version + 1, updated_at = now() where id = v_claim.transaction_id;
    perform pg_notify('transaction_status', v_claim.transaction_id::text);
  end if;
  perform public.record_audit(v_actor, case when p_approve then 'approve_utr' else 'reject_utr' end, 'utr_claims', p_claim_id::text,
    jsonb_build_object('utr', v_claim.utr, 'amount', v_claim.amount, 'reason', p_reason));
  return jsonb_build_object('claim_id', v_claim.id, 'status', v_claim.status, 'transaction_id', v_claim.transaction_id,
    'transaction_status', (select status from public.transactions where id = v_claim.transaction_id));
end
$$;
revoke all on function public.decide_utr_claim from public;
grant execute on function public.decide_utr_claim to studio;
