-- Books a refund of a paid transaction and adds the job that sends it to the PSP, in one commit. Whatever is under way counts
-- against what was captured, so racing requests can never give back more than came in.
--
-- p_amount in paise; null = what is left. p_requested_by: merchant, or the operator's id. The same p_idempotency_key answers
-- with the refund made before.
-- Errors: LS023 no_such_transaction, LS030 not_refundable, LS031 refund_exceeds_amount, LS032 idempotency_key_conflict,
-- LS033 invalid_refund_amount.
-- Locks: the transaction.
create or replace function public.create_refund(
  p_client_id uuid, p_transaction_id uuid, p_amount bigint, p_reason text, p_idempotency_key text, p_requested_by text
) returns table (refund jsonb, replayed boolean)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_transaction public.transactions;
  v_attempt public.payment_attempts;
  v_refund public.refunds;
  v_captured bigint;
  v_taken bigint;
  v_amount bigint;
begin
  select * into v_transaction from public.transactions where id = p_transaction_id and client_id = p_client_id for update;
  if not found then
    raise exception using errcode = 'LS023', message = 'no such transaction', detail = coalesce(p_transaction_id::text, 'null');
  end if;
  select * into v_refund from public.refunds where client_id = p_client_id and idempotency_key = p_idempotency_key;
  if found then
    if v_refund.transaction_id <> p_transaction_id or v_refund.requested_amount is distinct from p_amount then
      raise exception using errcode = 'LS032', message = 'this idempotency key was used for another refund', detail = v_refund.id::text;
    end if;
    return query select public.refund_view(v_refund), true;
    return;
  end if;
  if p_amount <= 0 then
    raise exception using errcode = 'LS033', message = 'a refund is of at least one paisa', detail = p_amount::text;
  end if;
  if v_transaction.paid_at is null then
    raise exception using errcode = 'LS030', message = 'this payment is not paid', detail = v_transaction.status,
      hint = 'Only what was paid can be given back.';
  end if;
  select * into v_attempt from public.payment_attempts
    where transaction_id = p_transaction_id and status = 'succeeded' and gateway_id = v_transaction.gateway_id
    order by settled_at limit 1;
  if v_attempt.psp_payment_id is null then
    raise exception using errcode = 'LS030', message = 'the payment at the PSP is not known', detail = p_transaction_id::text,
      hint = 'Give the money back in the PSP''s dashboard.';
  end if;
  v_captured := coalesce(v_attempt.payable_amount, v_transaction.amount);
  select coalesce(sum(amount), 0) into v_taken from public.refunds
    where transaction_id = p_transaction_id and kind = 'requested' and status <> 'failed';
  -- what a lost dispute took has gone back already
  v_taken := least(v_captured, v_taken + (select coalesce(sum(d.amount), 0) from public.disputes d
    where d.transaction_id = p_transaction_id and d.psp_payment_id = v_attempt.psp_payment_id and d.status = 'lost'));
  v_amount := coalesce(p_amount, v_captured - v_taken);
  if v_amount = 0 or v_amount > v_captured - v_taken then
    raise exception using errcode = 'LS031', message = 'more than is left of the payment',
      detail = (v_captured - v_taken)::text, hint = 'The detail is what can still be given back, in paise.';
  end if;
  begin
    insert into public.refunds (client_id, transaction_id, attempt_id, gateway_id, kind, amount, currency, reason,
        idempotency_key, requested_amount, requested_by, psp_payment_id, next_lookup_at)
      values (p_client_id, p_transaction_id, v_attempt.id, v_attempt.gateway_id, 'requested', v_amount, v_transaction.currency,
        p_reason, p_idempotency_key, p_amount, p_requested_by, v_attempt.psp_payment_id, now() + interval '2 minutes')
      returning * into v_refund;
  exception when unique_violation then
    -- the same key at the same moment, for another transaction
    raise exception using errcode = 'LS032', message = 'this idempotency key was used for another refund', detail = p_idempotency_key;
  end;
  perform public.enqueue_refund(v_refund);
  return query select public.refund_view(v_refund), false;
end
$$;
revoke all on function public.create_refund from public;
grant execute on function public.create_refund to checkout;
