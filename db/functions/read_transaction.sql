-- One transaction: the merchant's view of it, and what the application needs beside it. Null when there is none.
-- retry_until: until then a failed payment can still become paid by another try; past where no PSP has an order to pay.
create or replace function public.read_transaction(p_transaction_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('client_id', t.client_id, 'version', t.version, 'retry_until', public.iso_time(
        case when t.status = 'failed' and not exists (select from public.payment_attempts a
          where a.transaction_id = t.id and a.psp_order_id is not null) then t.created_at else t.expires_at end),
      'view', public.transaction_view(t))
    from public.transactions t where t.id = p_transaction_id
$$;
revoke all on function public.read_transaction from public;
grant execute on function public.read_transaction to checkout;
