-- All that a worker needs for calling the PSP about one attempt, made of its rows; secrets as ciphertext.
-- The amount and the expiry are the attempt's: direct UPI may ask some paise less, and its code is shown for nine minutes.
create or replace function public.attempt_work_view(
  a public.payment_attempts, t public.transactions, g public.payment_gateways, c public.clients, p_split jsonb
) returns jsonb
language sql stable parallel safe as $$
  select jsonb_build_object(
      'attempt_id', a.id, 'attempt_status', a.status, 'started_before', a.started_at is not null, 'psp_order_id', a.psp_order_id,
      'lookups', a.lookups,
      'transaction', jsonb_build_object('id', t.id, 'status', t.status, 'order_id', t.order_id, 'amount', coalesce(a.payable_amount, t.amount),
        'currency', t.currency, 'description', t.description, 'customer', t.customer, 'method', t.method,
        'expires_at', case g.provider when 'upi' then least(t.expires_at, now() + interval '9 minutes') else t.expires_at end),
      'client', jsonb_build_object('id', c.id, 'client_key', c.client_key, 'company_name', c.company_name),
      'split', p_split,
      'gateway', public.sealed_gateway(g) || jsonb_build_object('splits', g.split_enabled))
$$;
revoke all on function public.attempt_work_view from public;
