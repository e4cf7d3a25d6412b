-- One order was paid twice. The first payment counts; the further one is given back by a job, and operators are told. Once
-- for each further payment at the PSP.
-- The caller holds the transaction and the attempt.
create or replace function public.raise_second_success(t public.transactions, a public.payment_attempts, p_psp_payment_id text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_refund public.refunds;
begin
  if p_psp_payment_id is not null then
    insert into public.refunds (client_id, transaction_id, attempt_id, gateway_id, kind, amount, currency, reason, requested_by,
        psp_payment_id, next_lookup_at)
      select t.client_id, t.id, a.id, a.gateway_id, 'duplicate_payment', coalesce(a.payable_amount, t.amount), t.currency,
          'Paid twice', 'system', p_psp_payment_id, now() + interval '2 minutes'
        where not exists (select from public.refunds r
          where r.attempt_id = a.id and r.psp_payment_id = p_psp_payment_id and r.kind = 'duplicate_payment')
      returning * into v_refund;
    if not found then
      return;
    end if;
    perform public.enqueue_refund(v_refund);
  end if;
  perform public.raise_alert('second_success', 'critical',
    case when p_psp_payment_id is null
      then 'One order was paid twice, and the PSP does not name the second payment. Give it back in the PSP''s dashboard.'
      else 'One order was paid twice. The first payment counts; the second is being given back by itself.' end,
    jsonb_build_object('transaction_id', t.id, 'attempt_id', a.id, 'psp_payment_id', p_psp_payment_id, 'refund_id', v_refund.id),
    'second_success:' || a.id || ':' || coalesce(p_psp_payment_id, ''), t.client_id);
end
$$;
revoke all on function public.raise_second_success from public;
