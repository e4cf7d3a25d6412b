-- All that a worker needs for calling the PSP about one attempt; secrets as ciphertext. No row when there is no such attempt.
-- The amount and the expiry are the attempt's: direct UPI may ask some paise less, and its code is shown for nine minutes.
create or replace function public.attempt_work(p_attempt_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object(
      'attempt_id', a.id, 'attempt_status', a.status, 'started_before', a.started_at is not null, 'psp_order_id', a.psp_order_id,
      'lookups', a.lookups,
      'transaction', jsonb_build_object('id', t.id, 'status', t.status, 'order_id', t.order_id, 'amount', coalesce(a.payable_amount, t.amount),
        'currency', t.currency, 'description', t.description, 'customer', t.customer, 'method', t.method, 
        'expires_at', case g.provider when 'upi' then least(t.expires_at, now() + interval '9 minutes') else t.expires_at end),
      'client', jsonb_build_object('id', c.id, 'client_key', c.client_key, 'company_name', c.company_name),
      'split', (select jsonb_build_object('account', s.account, 'amount', s.amount)
        from public.payment_splits s where s.attempt_id = a.id and s.status <> 'refused'),
      'gateway', public.sealed_gateway(g) || jsonb_build_object('splits', g.split_enabled))
    from public.payment_attempts a
    join public.transactions t on t.id = a.transaction_id
    join public.payment_gateways g on g.id = a.gateway_id
    join public.clients c on c.id = a.client_id
    where a.id = p_attempt_id
$$;
revoke all on function public.attempt_work from public;
grant execute on function public.attempt_work to jobs;
