-- Books, in the caller's transaction, what successes of attempts mean for the wallets: that the PSP has settled our part to us
-- (payment_splits), once an attempt, and what of it the PSP has said already did not come; and where a success paid its payment, the commission on it and the GST on that.
--   commission = amount × fee_percent / 100, to the paisa, half up (fee_percent as kept on the transaction)
--   GST        = commission × rate of the day (Asia/Kolkata) / 100, to the paisa, half up
-- p_attempts: attempts that succeed now. p_paid: beside each the payment that it pays now; null for a second success, which has no
-- commission, but what the PSP split off is ours until it is made good.
-- A second booking is impossible: wallet_entries_type_transaction_id_key. Nothing is booked for a commission of 0.
-- Locks: the attempts' splits, then the wallets, each in id order, then alerts about dues. The caller holds the attempts.
create or replace function public.book_commissions(p_attempts public.payment_attempts[], p_paid public.transactions[]) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_gst_percent constant numeric := (select percent from public.gst_rates
    where valid_from <= (now() at time zone 'Asia/Kolkata')::date order by valid_from desc limit 1);
  v_splits public.payment_splits[];
  v_split_ids uuid[];
  -- the place of its entry
  v_split_places integer[];
  s public.payment_splits;
  t public.transactions;
  e public.wallet_entries;
  v_entries public.wallet_entries[] := '{}';
  v_place integer;
  v_reached record;
begin
  select array_agg(held.x), array_agg((held.x).attempt_id) into v_splits, v_split_ids
    from (select x from public.payment_splits x where x.status = 'asked'
        and x.attempt_id = any (array(select (p_attempts[n]).id from generate_subscripts(p_attempts, 1) n))
      order by x.attempt_id for update) held;
  for i in 1 .. cardinality(p_attempts) loop
    v_place := array_position(v_split_ids, (p_attempts[i]).id);
    if v_place is not null then
      s := v_splits[v_place];
      e := null;
      e.client_id := s.client_id;
      e.transaction_id := (p_attempts[i]).transaction_id;
      e.type := 'COMMISSION_SPLIT';
      e.amount := -s.amount;
      e.description := 'settled to ' || s.account;
      v_entries := array_append(v_entries, e);
      v_split_places[v_place] := cardinality(v_entries);
      if s.returned_amount > 0 then
        e.type := 'COMMISSION_SPLIT_REVERSAL';
        e.amount := s.returned_amount;
        e.description := format('%s did not come to %s', s.psp_transfer_id, s.account);
        v_entries := array_append(v_entries, e);
      end if;
    end if;
    t := p_paid[i];
    e := null;
    e.client_id := t.client_id;
    e.transaction_id := t.id;
    e.type := 'COMMISSION';
    e.amount := round(t.amount * t.fee_percent / 100);
    continue when (e.amount > 0) is not true;
    e.description := format('%s %% of %s paise', trim_scale(t.fee_percent), t.amount);
    v_entries := array_append(v_entries, e);
    e.type := 'COMMISSION_GST';
    e.description := format('%s %% GST on %s paise', trim_scale(v_gst_percent), e.amount);
    e.amount := round(e.amount * v_gst_percent / 100);
    if e.amount > 0 then
      v_entries := array_append(v_entries, e);
    end if;
  end loop;
  if v_entries = '{}' then
    return;
  end if;
  v_entries := public.append_entries(v_entries);
  if v_splits is not null then
    update public.payment_splits x set status = 'collected', entry_id = (v_entries[n.place]).id
      from unnest(v_split_ids, v_split_places) n (attempt_id, place)
      where x.attempt_id = n.attempt_id;
  end if;

  -- Before all and after all of them: what is split off and booked in between reaches nothing. Looked at here, so that merchants who
  -- reach neither threshold do not pay for the call.
  for v_reached in
    select w.client_id, b.before, w.balance_due
      from (select distinct on ((v_entries[n]).client_id) (v_entries[n]).client_id, (v_entries[n]).balance_after - (v_entries[n]).amount as before
        from generate_subscripts(v_entries, 1) n order by (v_entries[n]).client_id, n) b
      join public.wallets w on w.client_id = b.client_id
      join public.clients c on c.id = b.client_id
      where b.before < w.warn_threshold and w.balance_due >= w.warn_threshold
        or b.before < c.suspend_threshold and w.balance_due >= c.suspend_threshold
      order by w.client_id
  loop
    perform public.raise_dues_alerts(v_reached.client_id, v_reached.before, v_reached.balance_due);
  end loop;
end
$$;
revoke all on function public.book_commissions from public;
