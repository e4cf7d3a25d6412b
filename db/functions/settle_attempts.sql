-- Records what PSPs say became of attempts: status, commission, GST, wallet, outgoing events and jobs commit together. The states
-- are applied one after the other in the order given, several for one attempt or payment too, as if each had come by itself; they
-- are applied in memory, and what came of them is written once. Returns for each, in its place, the payment, its status and
-- whether that changed.
--
-- p_states: {outcome: succeeded|failed|pending|authorized|unknown, psp_order_id, psp_payment_id, amount (paise), currency, method,
-- bank_reference, fee, error: {code, message}, raw}, as an adapter returns it.
--   succeeded  paid, also from failed or expired (late when after expires_at); only if amount and currency are what this
--              attempt asked for, else an alert and no change. A second success, of this attempt or another, is given back
--              by itself: one success an order. Other attempts that nobody has paid are closed with us; they are still
--              looked up.
--   failed     the attempt failed; the payment too, if no other attempt of it is open. The payer may still try again at the
--              PSP until the payment expires; paid is never undone by a failure, nor is an authorization by the failure of
--              another try. That nobody paid in the end (payer_timed_out) does not replace why an earlier try failed.
--   pending, authorized, unknown: kept; looked up again later. After eight days nothing is asked any more: where that ends with
--              unknown or authorized, an operator is told, and what the PSP said is kept with the attempt.
-- Safe to repeat: a hundred copies book one commission.
-- Locks: all transactions, then all their attempts; then client_usage and gateway_states where something failed or comes back;
-- then the wallets, last, as all payments of a merchant meet there; each in id order. Then alerts, which are rare and in no order:
-- who is given up for another is asked again (db/client/pool.ts).
-- Errors: LS020 no_such_attempt, LS021 not_an_outcome.
--
-- Cost: the number of statements does not depend on the number of states, unless something rare happened (initiate_payments).
create or replace function public.settle_attempts(p_attempt_ids uuid[], p_states jsonb[])
returns table (transaction_id uuid, transaction_status text, changed boolean)
language plpgsql security definer set search_path = '' set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  v_size constant integer := coalesce(cardinality(p_attempt_ids), 0);
  v_now constant timestamptz := now();
  -- all that is locked, as it is after the states so far
  v_transactions public.transactions[];
  v_attempts public.payment_attempts[];
  v_transaction_ids uuid[];
  v_attempt_ids uuid[];
  -- the places in these of what is to be written
  v_moved integer[] := '{}';
  v_touched integer[] := '{}';
  -- the state now being applied, and what it is about
  v_state jsonb;
  v_outcome text;
  t public.transactions;
  a public.payment_attempts;
  v_t integer;
  v_a integer;
  v_before text;
  v_is_moved boolean;
  -- places of the payment's other attempts that may still take money
  v_others integer[] := '{}';
  i integer;
  j integer;
  -- what follows from them, in their order
  v_of uuid[] := '{}';
  v_statuses text[] := '{}';
  v_changed boolean[] := '{}';
  v_told public.transactions[];
  v_renewed uuid[] := '{}';
  v_released uuid[] := '{}';
  v_rebooked public.payment_attempts[];
  v_with_caps boolean[] := '{}';
  v_booked uuid[];
  -- attempts that succeeded, and beside each the payment that it paid, if it did
  v_succeeded public.payment_attempts[];
  v_paid public.transactions[];
  v_linked public.transactions[];
  v_mismatched integer[] := '{}';
  v_unresolved integer[] := '{}';
  v_second integer[] := '{}';
begin
  select array_agg(held.x), array_agg((held.x).id) into v_transactions, v_transaction_ids
    from (select x from public.transactions x
      where x.id in (select y.transaction_id from public.payment_attempts y where y.id = any (p_attempt_ids))
      order by x.id for update) held;
  select array_agg(held.x), array_agg((held.x).id) into v_attempts, v_attempt_ids
    from (select x from public.payment_attempts x where x.transaction_id = any (v_transaction_ids) order by x.id for update) held;

  for i in 1 .. v_size loop
    v_a := array_position(v_attempt_ids, p_attempt_ids[i]);
    if v_a is null then
      raise exception using errcode = 'LS020', message = 'no such attempt', detail = coalesce(p_attempt_ids[i]::text, 'null');
    end if;
    v_state := p_states[i];
    v_outcome := v_state ->> 'outcome';
    if v_outcome not in ('succeeded', 'failed', 'pending', 'authorized', 'unknown') or v_outcome is null then
      raise exception using errcode = 'LS021', message = 'not an outcome', detail = coalesce(v_outcome, 'null');
    end if;
    a := v_attempts[v_a];
    v_t := array_position(v_transaction_ids, a.transaction_id);
    t := v_transactions[v_t];
    v_before := a.status;
    v_of[i] := t.id;
    -- until something below says otherwise
    v_statuses[i] := t.status;
    v_changed[i] := false;
    v_is_moved := false;

    if v_before = 'succeeded' then
      if v_outcome = 'succeeded' and v_state ->> 'psp_payment_id' <> a.psp_payment_id then
        v_second := v_second || i;
      end if;
      continue when v_outcome <> 'succeeded' or a.psp_payment_id is not null or v_state ->> 'psp_payment_id' is null;
      -- the PSP had not named the payment before
      a.psp_payment_id := v_state ->> 'psp_payment_id';
      v_is_moved := t.gateway_id = a.gateway_id;
      if v_is_moved then
        t.gateway_txn_id := a.psp_payment_id;
      else
        v_second := v_second || i;
      end if;

    elsif v_outcome = 'succeeded' and ((v_state ->> 'amount')::bigint is distinct from coalesce(a.payable_amount, t.amount)
        or v_state ->> 'currency' is distinct from t.currency) then
      a.error_code := 'amount_mismatch';
      a.error_message := format('The PSP states %s %s, the order is for %s %s.', coalesce(v_state ->> 'amount', 'no amount'),
        coalesce(v_state ->> 'currency', ''), coalesce(a.payable_amount, t.amount), t.currency);
      a.next_lookup_at := null;
      v_mismatched := v_mismatched || i;

    elsif v_outcome in ('pending', 'authorized', 'unknown') then
      continue when a.closed_at is not null or a.presentation ->> 'kind' = 'upi';
      if a.created_at <= v_now - interval '8 days' then
        continue when v_outcome = 'pending';
        a.error_code := coalesce(v_state -> 'error' ->> 'code', v_outcome);
        a.error_message := v_state -> 'error' ->> 'message';
        v_unresolved := v_unresolved || i;
      else
        if v_outcome = 'authorized' and v_before in ('created', 'pending', 'unknown', 'failed') then
          a.status := 'authorized';
        end if;
        -- the payment that is authorized stays the one that counts until it is settled
        if v_outcome = 'authorized' or v_before <> 'authorized' then
          a.psp_payment_id := coalesce(v_state ->> 'psp_payment_id', a.psp_payment_id);
        end if;
        -- enqueue_pending_lookups sets the rhythm; this only keeps an open attempt in it
        a.next_lookup_at := coalesce(a.next_lookup_at, v_now + public.lookup_delay(a.lookups));
      end if;

    else
      continue when v_outcome = 'failed' and v_before = 'authorized' and a.psp_payment_id is distinct from v_state ->> 'psp_payment_id';
      if cardinality(v_attempts) > cardinality(v_transactions) then
        v_others := array(select o.ordinality::integer from unnest(v_attempts) with ordinality o
          where o.transaction_id = t.id and o.id <> a.id and o.status in ('created', 'pending', 'authorized', 'unknown'));
      end if;
      a.method := coalesce(v_state ->> 'method', a.method);

      if v_outcome = 'failed' then
        a.status := 'failed';
        a.psp_payment_id := coalesce(v_state ->> 'psp_payment_id', a.psp_payment_id);
        -- that the page was closed in the end says less than why an earlier try failed
        if v_before <> 'failed' or a.error_code is null or v_state -> 'error' ->> 'code' is distinct from 'payer_timed_out' then
          a.error_code := v_state -> 'error' ->> 'code';
          a.error_message := v_state -> 'error' ->> 'message';
        end if;
        a.settled_at := coalesce(a.settled_at, v_now);
        -- the order can still be paid at the PSP, also after it expired with us
        a.next_lookup_at := case when a.closed_at is not null then null
          when t.expires_at > v_now then t.expires_at
          when a.psp_order_id is not null and a.created_at > v_now - interval '8 days'
          then coalesce(a.next_lookup_at, v_now + public.lookup_delay(a.lookups)) end;
        v_released := v_released || a.id;
        v_changed[i] := t.status in ('created', 'pending') and v_others = '{}';
        v_is_moved := v_changed[i] or t.status = 'failed'
          and (v_before <> 'failed' or (t.error_code, t.error_message) is distinct from (a.error_code, a.error_message));
        if v_is_moved then
          t.status := 'failed';
          t.error_code := a.error_code;
          t.error_message := a.error_message;
        end if;

      else
        if a.released_at is not null then
          v_rebooked := array_append(v_rebooked, a);
          v_with_caps := v_with_caps || (t.paid_at is null and t.caps_booked_at is null);
        end if;
        a.status := 'succeeded';
        -- an id of before may be that of a try that failed
        a.psp_payment_id := coalesce(v_state ->> 'psp_payment_id', case v_before when 'authorized' then a.psp_payment_id end);
        -- a webhook may overtake the reply with the order's id, or that reply is lost
        a.psp_order_id := coalesce(a.psp_order_id, v_state ->> 'psp_order_id');
        a.bank_reference := coalesce(v_state ->> 'bank_reference', a.bank_reference);
        a.psp_fee := coalesce((v_state ->> 'fee')::bigint, a.psp_fee);
        a.error_code := null;
        a.error_message := null;
        a.settled_at := v_now;
        a.next_lookup_at := null;
        a.released_at := null;
        v_succeeded := array_append(v_succeeded, a);
        v_changed[i] := t.status in ('created', 'pending', 'failed', 'expired');
        v_is_moved := v_changed[i];
        if not v_is_moved then
          v_paid := array_append(v_paid, null);
          v_second := v_second || i;
          -- it may have been named before, when it was authorized
          p_states[i] := v_state || jsonb_build_object('psp_payment_id', a.psp_payment_id);
        else
          t.status := 'paid';
          t.paid_at := v_now;
          t.is_late := v_now > t.expires_at;
          t.gateway_id := a.gateway_id;
          t.gateway_txn_id := a.psp_payment_id;
          t.gateway_response := v_state -> 'raw';
          t.method := coalesce(v_state ->> 'method', t.method);
          t.error_code := null;
          t.error_message := null;
          v_paid := array_append(v_paid, t);
          if t.metadata ? 'payment_link_id' then
            v_linked := array_append(v_linked, t);
          end if;
          foreach j in array v_others loop
            continue when (v_attempts[j]).status = 'authorized';
            v_attempts[j].status := 'expired';
            v_attempts[j].updated_at := v_now;
            v_touched := v_touched || j;
            v_released := v_released || v_attempt_ids[j];
          end loop;
        end if;
      end if;
    end if;

    a.updated_at := v_now;
    v_attempts[v_a] := a;
    v_touched := v_touched || v_a;
    if v_is_moved then
      t.version := t.version + 1;
      t.updated_at := v_now;
      v_transactions[v_t] := t;
      v_moved := v_moved || v_t;
      v_statuses[i] := t.status;
      if v_changed[i] then
        v_told := array_append(v_told, t);
      else
        v_renewed := v_renewed || t.id;
      end if;
    end if;
  end loop;

  -- Taken from the arrays by their places: a table's rows unnested bring the text of all its constraints along, once a statement.
  if v_touched <> '{}' then
    update public.payment_attempts x set
        status = (v_attempts[n]).status, psp_order_id = (v_attempts[n]).psp_order_id,
        psp_payment_id = (v_attempts[n]).psp_payment_id, method = (v_attempts[n]).method,
        bank_reference = (v_attempts[n]).bank_reference, psp_fee = (v_attempts[n]).psp_fee,
        error_code = (v_attempts[n]).error_code, error_message = (v_attempts[n]).error_message,
        settled_at = (v_attempts[n]).settled_at, next_lookup_at = (v_attempts[n]).next_lookup_at,
        released_at = (v_attempts[n]).released_at, updated_at = (v_attempts[n]).updated_at
      from unnest(v_touched) n
      where x.id = v_attempt_ids[n];
  end if;
  if v_moved <> '{}' then
    update public.transactions x set
        status = (v_transactions[n]).status, paid_at = (v_transactions[n]).paid_at, is_late = (v_transactions[n]).is_late,
        gateway_id = (v_transactions[n]).gateway_id, gateway_txn_id = (v_transactions[n]).gateway_txn_id,
        gateway_response = (v_transactions[n]).gateway_response, method = (v_transactions[n]).method,
        error_code = (v_transactions[n]).error_code, error_message = (v_transactions[n]).error_message,
        version = (v_transactions[n]).version, updated_at = (v_transactions[n]).updated_at
      from unnest(v_moved) n
      where x.id = v_transaction_ids[n];
  end if;
  if v_told is not null then
    perform public.write_transaction_events(v_told);
  end if;
  if v_renewed <> '{}' then
    perform pg_notify('transaction_status', id::text) from unnest(v_renewed) id;
  end if;

  if v_rebooked is not null then
    -- what both of the following lock, in one order
    v_booked := array(select o.id from unnest(v_rebooked) o) || v_released;
    perform from public.client_usage where client_id in (select o.client_id from unnest(v_attempts) o where o.id = any (v_booked))
      order by client_id for update;
    perform from public.gateway_states where gateway_id in (select o.gateway_id from unnest(v_attempts) o where o.id = any (v_booked))
      order by gateway_id for update;
    for i in 1 .. cardinality(v_rebooked) loop
      perform public.rebook(v_rebooked[i], v_with_caps[i]);
    end loop;
  end if;
  if v_released <> '{}' then
    -- what failed and then was paid keeps its booking
    perform public.release_bookings(array(select o.id from unnest(v_attempts) o where o.id = any (v_released) and o.status <> 'succeeded'));
  end if;
  if v_succeeded is not null then
    perform public.book_commissions(v_succeeded, v_paid);
  end if;

  foreach i in array v_mismatched || v_unresolved || v_second loop
    a := v_attempts[array_position(v_attempt_ids, p_attempt_ids[i])];
    t := v_transactions[array_position(v_transaction_ids, a.transaction_id)];
    if i = any (v_second) then
      perform public.raise_second_success(t, a, p_states[i]);
    elsif i = any (v_unresolved) then
      perform public.raise_alert('payment_unresolved', 'critical',
        'A PSP was asked for eight days what became of a payment, and did not say. Money may have been taken: compare with the PSP''s dashboard.',
        jsonb_build_object('gateway_id', a.gateway_id, 'transaction_id', t.id, 'attempt_id', a.id, 'psp_order_id', a.psp_order_id,
          'code', a.error_code),
        'payment_unresolved:' || a.gateway_id, t.client_id);
    else
      perform public.raise_alert('amount_mismatch', 'critical',
        'A PSP reports a success with another amount or currency than was ordered. It was not marked paid: compare with the PSP''s dashboard.',
        jsonb_build_object('transaction_id', t.id, 'attempt_id', a.id, 'ordered', t.amount,
          'reported', p_states[i] -> 'amount', 'currency', p_states[i] -> 'currency'),
        'amount_mismatch:' || a.id, t.client_id);
    end if;
  end loop;
  if v_linked is not null then
    perform public.check_single_use(linked.t)
      from (select v_linked[n] as t from generate_subscripts(v_linked, 1) n order by (v_linked[n]).metadata ->> 'payment_link_id') linked;
  end if;

  for i in 1 .. v_size loop
    transaction_id := v_of[i];
    transaction_status := v_statuses[i];
    changed := v_changed[i];
    return next;
  end loop;
end
$$;
revoke all on function public.settle_attempts from public;
