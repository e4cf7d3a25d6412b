-- Claims the sending of a refund to its PSP: marks it started, before the PSP is called, and returns what the call needs
-- (secrets as ciphertext). started_before: an earlier run may have reached the PSP. Null when it is settled already.
-- Locks: the refund, before it is read: what another run records meanwhile is seen here, or the time of its next look-up stands.
create or replace function public.begin_refund(p_refund_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_work jsonb;
begin
  select jsonb_build_object('refund_id', r.id, 'transaction_id', r.transaction_id, 'reference', r.id, 'kind', r.kind, 'status', r.status, 'amount', r.amount, 'currency', r.currency,
      'reason', r.reason, 'psp_refund_id', r.psp_refund_id, 'lookups', r.lookups,
      'started_before', r.started_at is not null,
      'payment', jsonb_build_object('psp_payment_id', r.psp_payment_id, 'psp_order_id', a.psp_order_id, 'order_reference', a.id),
      'client', jsonb_build_object('id', r.client_id), 'gateway', public.sealed_gateway(g))
    into v_work
    from public.refunds r
    join public.payment_attempts a on a.id = r.attempt_id
    join public.payment_gateways g on g.id = r.gateway_id
    where r.id = p_refund_id and r.status in ('created', 'pending', 'unknown')
    for update of r;
  if v_work is not null then
    update public.refunds set started_at = coalesce(started_at, now()),
        next_lookup_at = greatest(next_lookup_at, now() + interval '2 minutes'), updated_at = now()
      where id = p_refund_id;
  end if;
  return v_work;
end
$$;
revoke all on function public.begin_refund from public;
grant execute on function public.begin_refund to jobs;
