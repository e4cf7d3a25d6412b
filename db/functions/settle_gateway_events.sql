-- What stored PSP webhooks say of payments, settled in one commit: finds each event's attempt (find_attempt), settles it
-- (settle_attempt) and marks the event processed. An event whose attempt is not found is left as it is; its attempt_id is null.
-- p_events: [{event_id, state}]; state as in settle_attempt, with reference. The events' bodies are proven.
-- Locks: all transactions, then all attempts, each in id order; then merchant by merchant what settle_attempt takes: client_usage,
-- gateway_states, wallet. Who holds a wallet waits for no earlier merchant, so there is no cycle. Waits a quarter of a second at
-- most (55P03): then the caller settles each by itself, and a payment that is held by somebody keeps no other waiting.
create or replace function public.settle_gateway_events(p_events jsonb)
returns table (event_id uuid, attempt_id uuid, transaction_id uuid, transaction_status text, changed boolean)
language plpgsql security definer set search_path = '' set lock_timeout = '250ms' as $$
#variable_conflict use_column
declare
  v_events uuid[];
  v_attempts uuid[];
  v_states jsonb[];
  v_settled record;
  v_told uuid[] := '{}';
  v_i integer;
begin
  -- in the order they were stored: a PSP sends what happened first first
  select array_agg(f.event_id order by f.client_id, f.event_id), array_agg(f.attempt_id order by f.client_id, f.event_id),
      array_agg(f.state order by f.client_id, f.event_id)
    into v_events, v_attempts, v_states
    from (select e.id as event_id, e.client_id, s.state,
          public.find_attempt(e.gateway_id, s.state ->> 'psp_order_id', s.state ->> 'reference') as attempt_id
        from jsonb_to_recordset(p_events) as s (event_id uuid, state jsonb)
        join public.gateway_events e on e.id = s.event_id) f;
  perform from public.transactions t where t.id in (select a.transaction_id from public.payment_attempts a where a.id = any (v_attempts))
    order by t.id for update;
  perform from public.payment_attempts a where a.id = any (v_attempts) order by a.id for update;
  for v_i in 1 .. coalesce(cardinality(v_events), 0) loop
    event_id := v_events[v_i];
    attempt_id := v_attempts[v_i];
    transaction_id := null;
    transaction_status := null;
    changed := false;
    if v_attempts[v_i] is not null then
      select * into strict v_settled from public.apply_attempt_state(v_attempts[v_i], v_states[v_i]);
      transaction_id := v_settled.transaction_id;
      transaction_status := v_settled.transaction_status;
      changed := v_settled.changed;
      if v_settled.changed then
        v_told := v_told || v_settled.transaction_id;
      end if;
    else
      v_events[v_i] := null;
    end if;
    return next;
  end loop;
  if v_told <> '{}' then
    perform public.write_transaction_events(v_told);
  end if;
  update public.gateway_events e set error = null, processed_at = now() where e.id = any (v_events);
end
$$;
revoke all on function public.settle_gateway_events from public;
grant execute on function public.settle_gateway_events to jobs;
