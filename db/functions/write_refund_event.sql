-- Writes the event refund.<status> into the outbox, adds its delivery job, and wakes the payment's status streams. Called in
-- the transaction that settled the refund.
create or replace function public.write_refund_event(r public.refunds) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform public.write_webhook_event(r.client_id, r.transaction_id, r.id, null, 'refund.' || r.status, public.refund_view(r));
  perform public.write_whatsapp_updates((select jsonb_agg(jsonb_build_object('event', 'refund.' || r.status, 'client_id', r.client_id,
      'key', r.id, 'amount', r.amount, 'order_id', t.order_id))
    from public.transactions t join public.whatsapp_preferences p on p.client_id = t.client_id and p.updates <> '[]'
    where t.id = r.transaction_id));
  perform public.write_studio_event('refund.' || r.status, r.client_id, public.refund_view(r));
  perform pg_notify('transaction_status', r.transaction_id::text);
end
$$;
revoke all on function public.write_refund_event from public;
