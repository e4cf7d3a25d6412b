-- The payer of a direct UPI payment names the UTR of the transfer. A claim is no proof: it waits for the bank statement or an
-- operator, unless a statement has brought the credit already. Also for eight days after the payment expired.
-- Returns 'submitted', or 'paid' when the payment is. At most five UTRs a payment.
-- Errors: LS025 no_upi_attempt, LS040 invalid_utr, LS041 utr_already_used, LS042 too_many_claims.
-- Locks: the rows of its direct UPI gateways (shared), transaction, then as settle_attempt.
create or replace function public.submit_utr(p_transaction_id uuid, p_utr text) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_transaction public.transactions;
  v_attempt public.payment_attempts;
  v_line public.bank_statement_lines;
  v_amount bigint;
  v_is_new boolean;
begin
  -- a statement that is being imported either sees this claim or is seen here; first, as an import has it first, too
  perform from public.payment_gateways where provider = 'upi'
    and id in (select gateway_id from public.payment_attempts where transaction_id = p_transaction_id) order by id for share;
  select * into v_transaction from public.transactions where id = p_transaction_id for update;
  select a.* into v_attempt from public.payment_attempts a join public.payment_gateways g on g.id = a.gateway_id and g.provider = 'upi'
    where a.transaction_id = p_transaction_id and a.psp_order_id is not null and a.created_at > now() - interval '8 days'
    order by a.attempt_no desc limit 1;
  if not found then
    raise exception using errcode = 'LS025', message = 'this payment waits for no UPI transfer', detail = p_transaction_id::text;
  end if;
  if p_utr is null or p_utr !~ '^[0-9]{12}$' then
    raise exception using errcode = 'LS040', message = 'a UTR has 12 digits';
  end if;
  if v_transaction.paid_at is not null then
    return 'paid';
  end if;
  if exists (select from public.upi_receipts where client_id = v_transaction.client_id and utr = p_utr) then
    raise exception using errcode = 'LS041', message = 'this UTR proves another payment', detail = p_utr;
  end if;
  v_amount := coalesce(v_attempt.payable_amount, v_transaction.amount);
  v_is_new := not exists (select from public.utr_claims where attempt_id = v_attempt.id and utr = p_utr);
  if v_is_new then
    if (select count(*) from public.utr_claims where transaction_id = p_transaction_id) >= 5 then
      raise exception using errcode = 'LS042', message = 'five UTRs were named for this payment already';
    end if;
    insert into public.utr_claims (client_id, gateway_id, transaction_id, attempt_id, utr, amount)
      values (v_transaction.client_id, v_attempt.gateway_id, p_transaction_id, v_attempt.id, p_utr, v_amount);
  end if;

  select * into v_line from public.bank_statement_lines
    where gateway_id = v_attempt.gateway_id and utr = p_utr and status = 'exception' and amount = v_amount
      -- a credit of before the payment was for something else
      and credited_on >= (v_attempt.created_at at time zone 'Asia/Kolkata')::date
    for update;
  if found then
    perform public.settle_upi_receipt(v_attempt.id, p_utr, 'statement');
    update public.bank_statement_lines set status = 'matched', attempt_id = v_attempt.id, resolved_at = now(), resolved_by = 'payer',
        resolution = 'The payer named this UTR.'
      where id = v_line.id;
    return 'paid';
  end if;
  if not v_is_new then
    return 'submitted';
  end if;
  perform public.raise_alert('utr_submitted', 'info', 'Payers named UTRs that no bank statement has brought yet: approve them, or import the statement.',
    jsonb_build_object('transaction_id', p_transaction_id, 'utr', p_utr), 'utr_submitted:' || v_attempt.gateway_id, v_transaction.client_id);
  update public.transactions set version = version + 1, updated_at = now() where id = p_transaction_id;
  perform pg_notify('transaction_status', p_transaction_id::text);
  return 'submitted';
end
$$;
revoke all on function public.submit_utr from public;
grant execute on function public.submit_utr to checkout;
