-- One transaction: the merchant's view of it, and what the application needs beside it. Null when there is none.
create or replace function public.read_transaction(p_transaction_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('client_id', t.client_id, 'version', t.version, 'retry_until', public.iso_time(t.expires_at),
      'view', public.transaction_view(t))
    from public.transactions t where t.id = p_transaction_id
$$;
revoke all on function public.read_transaction from public;
grant execute on function public.read_transaction to checkout;
