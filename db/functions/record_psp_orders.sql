-- PSPs have these orders: the payers can go there. Recorded even when a payment ended meanwhile, so that a late success finds its
-- attempt. A gateway on its way back from a cool-down comes a step nearer. An order that is recorded already is left as it is.
-- p_orders: [{attempt_id, psp_order_id, presentation, latency_ms}]. Raises LS020 for an attempt that is not there.
-- Locks: all transactions, then all attempts, then client_usage of merchants with a gateway on its way back, each in id order; then
-- such gateways' gateway_states. Waits a quarter of a second at most (55P03) unless p_is_alone, as begin_psp_orders.
create or replace function public.record_psp_orders(p_orders jsonb, p_is_alone boolean) returns void
language plpgsql security definer set search_path = '' set lock_timeout = '250ms' set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_attempts constant uuid[] := array(select (value ->> 'attempt_id')::uuid from jsonb_array_elements(p_orders));
  v_missing uuid;
  -- one for each order recorded now
  v_gateways uuid[];
  v_opened uuid[];
begin
  if p_is_alone then
    set local lock_timeout = 0;
  end if;
  perform from public.transactions where id in (select transaction_id from public.payment_attempts where id = any (v_attempts))
    order by id for update;
  with ordered as (
    update public.payment_attempts a set
        psp_order_id = o.psp_order_id, presentation = o.presentation, latency_ms = o.latency_ms, updated_at = now(),
        status = case when a.status in ('created', 'unknown') then 'pending' else a.status end,
        error_code = null, error_message = null,
        -- the payer needs some minutes; direct UPI has nobody to ask
        next_lookup_at = case when a.status <> 'succeeded' and o.presentation ->> 'kind' <> 'upi' then now() + public.lookup_delay(2) end,
        lookups = 2
      from (select * from jsonb_to_recordset(p_orders) as o (attempt_id uuid, psp_order_id text, presentation jsonb, latency_ms integer)
        order by attempt_id) o
      where a.id = o.attempt_id and a.psp_order_id is null
      returning a.transaction_id, a.gateway_id
  ), opened as (
    update public.transactions t set
        status = case when t.status = 'failed' then t.status else 'pending' end, version = t.version + 1, updated_at = now()
      from ordered where t.id = ordered.transaction_id and t.status in ('created', 'pending', 'failed')
      returning t.id
  )
  select array(select gateway_id from ordered order by 1), array(select id from opened) into v_gateways, v_opened;
  if cardinality(v_gateways) < cardinality(v_attempts) then
    select id into v_missing from unnest(v_attempts) id where not exists (select from public.payment_attempts a where a.id = id.id);
    if found then
      raise exception using errcode = 'LS020', message = 'no such attempt', detail = v_missing::text;
    end if;
  end if;
  perform pg_notify('transaction_status', id::text) from unnest(v_opened) id;
  perform from public.client_usage where client_id in (
      select s.client_id from public.gateway_states s where s.gateway_id = any (v_gateways) and s.probe_stage is not null)
    order by client_id for update;
  if found then
    perform public.pass_probe(gateway_id) from unnest(v_gateways) gateway_id;
  end if;
end
$$;
revoke all on function public.record_psp_orders from public;
grant execute on function public.record_psp_orders to jobs;
