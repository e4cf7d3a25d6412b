-- Writes the event dispute.opened or dispute.closed into the outbox, adds its delivery jobs, and wakes the payment's status streams.
-- Called in the transaction that recorded the dispute.
create or replace function public.write_dispute_event(d public.disputes) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_type constant text := 'dispute.' || case d.status when 'opened' then 'opened' else 'closed' end;
begin
  perform public.write_webhook_event(d.client_id, d.transaction_id, null, d.id, v_type, public.dispute_view(d));
  perform public.write_studio_event(v_type, d.client_id, public.dispute_view(d));
  perform pg_notify('transaction_status', d.transaction_id::text);
end
$$;
revoke all on function public.write_dispute_event from public;
