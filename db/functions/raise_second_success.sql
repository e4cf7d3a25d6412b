-- Tells operators that an order was paid a second time; once for each further payment.
create or replace function public.raise_second_success(t public.transactions, p_attempt_id uuid, p_psp_payment_id text) returns void
language sql security definer set search_path = '' as $$
  select public.raise_alert('second_success', 'critical',
    'One order was paid twice. The first payment counts; refund the second to the payer.',
    jsonb_build_object('transaction_id', t.id, 'attempt_id', p_attempt_id, 'psp_payment_id', p_psp_payment_id),
    'second_success:' || p_attempt_id || ':' || coalesce(p_psp_payment_id, ''), t.client_id)
$$;
revoke all on function public.raise_second_success from public;
