-- One order was paid twice. The first payment counts; the further one is given back by a job, and operators are told. Once
-- for each further payment at the PSP. p_state as in settle_attempt: what it states as paid is what goes back.
-- The caller holds the transaction and the attempt.
create or replace function public.raise_second_success(t public.transactions, a public.payment_attempts, p_state jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_psp_payment_id constant text := p_state ->> 'psp_payment_id';
  v_amount constant bigint := coalesce((p_state ->> 'amount')::bigint, a.payable_amount, t.amount);
  v_refund public.refunds;
begin
  if v_psp_payment_id is not null and v_amount > 0 and coalesce(p_state ->> 'currency', t.currency) = t.currency then
    insert into public.refunds (client_id, transaction_id, attempt_id, gateway_id, kind, amount, currency, reason, requested_by,
        psp_payment_id, next_lookup_at)
      select t.client_id, t.id, a.id, a.gateway_id, 'duplicate_payment', v_amount, t.currency,
          'Paid twice', 'system', v_psp_payment_id, now() + interval '2 minutes'
        where not exists (select from public.refunds r
          where r.attempt_id = a.id and r.psp_payment_id = v_psp_payment_id and r.kind = 'duplicate_payment')
      returning * into v_refund;
    if not found then
      return;
    end if;
    perform public.enqueue_refund(v_refund);
    -- from before the PSP named the payment
    update public.alerts set status = 'resolved', last_at = now()
      where status <> 'resolved' and dedupe_key = 'second_success:' || a.id || ':';
  end if;
  perform public.raise_alert('second_success', 'critical',
    case when v_refund.id is null
      then 'One order was paid twice, and the second payment cannot be given back by itself. Give it back in the PSP''s dashboard.'
      else 'One order was paid twice. The first payment counts; the second is being given back by itself.' end,
    jsonb_build_object('transaction_id', t.id, 'attempt_id', a.id, 'psp_payment_id', v_psp_payment_id, 'refund_id', v_refund.id),
    'second_success:' || a.id || ':' || coalesce(v_psp_payment_id, ''), t.client_id);
end
$$;
revoke all on function public.raise_second_success from public;
