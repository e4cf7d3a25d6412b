-- The PSP has the order: the payer can go there. Recorded even when the payment ended meanwhile, so that a late success
-- finds its attempt. A gateway on its way back from a cool-down comes a step nearer.
-- Locks: transaction, attempt, and a probed gateway's gateway_states. Idempotent.
create or replace function public.record_psp_order(p_attempt_id uuid, p_psp_order_id text, p_presentation jsonb, p_latency_ms integer)
returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_transaction public.transactions;
  v_attempt public.payment_attempts;
begin
  select t.* into v_transaction from public.transactions t
    where t.id = (select transaction_id from public.payment_attempts where id = p_attempt_id) for update;
  if not found then
    raise exception using errcode = 'LS020', message = 'no such attempt', detail = p_attempt_id::text;
  end if;
  update public.payment_attempts set
      psp_order_id = p_psp_order_id, presentation = p_presentation, latency_ms = p_latency_ms, updated_at = now(),
      status = case when status in ('created', 'unknown') then 'pending' else status end,
      error_code = null, error_message = null,
      -- the payer needs some minutes; direct UPI has nobody to ask
      next_lookup_at = case when status <> 'succeeded' and p_presentation ->> 'kind' <> 'upi' then now() + public.lookup_delay(2) end,
      lookups = 2
    where id = p_attempt_id and psp_order_id is null
    returning * into v_attempt;
  if not found then
    return;
  end if;
  if v_transaction.status in ('created', 'pending', 'failed') then
    update public.transactions set
        status = case when status = 'failed' then status else 'pending' end, version = version + 1, updated_at = now()
      where id = v_transaction.id;
    perform pg_notify('transaction_status', v_transaction.id::text);
  end if;
  perform public.pass_probe(v_attempt.gateway_id);
end
$$;
revoke all on function public.record_psp_order from public;
grant execute on function public.record_psp_order to jobs;
