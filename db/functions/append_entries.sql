-- Appends entries to merchants' wallets, in the caller's transaction and in their order: of each the next number of its wallet, the
-- balance after it and the hash that chains it. All wallets change in one statement, and so are all entries written.
-- p_entries: client_id, type, amount (paise, positive raises what is due), description, and what it belongs to; the rest is filled in
-- here. Returns them as they were written.
-- Locks: the wallets, in id order. Errors: LS022 no_such_client.
create or replace function public.append_entries(p_entries public.wallet_entries[]) returns public.wallet_entries[]
language plpgsql security definer set search_path = '' as $$
declare
  v_entries public.wallet_entries[] := p_entries;
  v_wallets public.wallets[];
  v_clients uuid[];
  e public.wallet_entries;
  w public.wallets;
  v_now timestamptz;
  v_w integer;
begin
  select array_agg(held.x), array_agg((held.x).client_id) into v_wallets, v_clients
    from (select x from public.wallets x
      where x.client_id = any (array(select (p_entries[n]).client_id from generate_subscripts(p_entries, 1) n))
      order by x.client_id for update) held;
  -- wallets may have been waited for, and entries are in the order of their times
  v_now := clock_timestamp();
  for i in 1 .. cardinality(v_entries) loop
    e := v_entries[i];
    v_w := array_position(v_clients, e.client_id);
    if v_w is null then
      raise exception using errcode = 'LS022', message = 'no such client', detail = coalesce(e.client_id::text, 'null');
    end if;
    w := v_wallets[v_w];
    w.entry_count := w.entry_count + 1;
    w.balance_due := w.balance_due + e.amount;
    e.id := uuidv7();
    e.entry_no := w.entry_count;
    e.balance_after := w.balance_due;
    e.created_at := v_now;
    w.head_hash := public.entry_hash(w.head_hash, e.client_id, e.entry_no, e.id, e.type, e.amount, e.balance_after, e.transaction_id,
      e.refund_id, e.dispute_id, e.created_at, e.description);
    e.hash := w.head_hash;
    v_wallets[v_w] := w;
    v_entries[i] := e;
  end loop;
  update public.wallets x set
      balance_due = (v_wallets[n::integer]).balance_due, entry_count = (v_wallets[n::integer]).entry_count, head_hash = (v_wallets[n::integer]).head_hash, updated_at = now()
    from unnest(v_clients) with ordinality c (id, n)
    where x.client_id = c.id;
  insert into public.wallet_entries (id, client_id, entry_no, type, amount, transaction_id, refund_id, dispute_id, balance_after, description,
      created_at, hash)
    select (v_entries[n]).id, (v_entries[n]).client_id, (v_entries[n]).entry_no, (v_entries[n]).type, (v_entries[n]).amount,
        (v_entries[n]).transaction_id, (v_entries[n]).refund_id, (v_entries[n]).dispute_id, (v_entries[n]).balance_after,
        (v_entries[n]).description, (v_entries[n]).created_at, (v_entries[n]).hash
      from generate_subscripts(v_entries, 1) n;
  return v_entries;
end
$$;
revoke all on function public.append_entries from public;
