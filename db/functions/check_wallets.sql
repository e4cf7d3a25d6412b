-- Looks for what must never be in these wallets: entries that do not follow one another by number, balance and hash, and a wallet that is not
-- where its entries end. No row is the pass. With p_whole from the first entry on; without it from where the last check that found nothing
-- ended (wallet_checks). Either way the entry that the last check ended with must be as it was. Reads only; one statement sees one moment.
create or replace function public.check_wallets(p_ids uuid[], p_whole boolean) returns table (client_id uuid, invariant text, detail text)
language sql stable security definer set search_path = '' set enable_seqscan = on set work_mem = '64MB' as $$
  with base as materialized (
    select w.client_id, w.balance_due, w.entry_count, w.head_hash,
        case when p_whole then 0 else coalesce(c.entry_no, 0) end as entry_no, case when p_whole then 0 else coalesce(c.balance, 0) end as balance,
        case when p_whole or c.hash is null then decode(repeat('00', 32), 'hex') else c.hash end as hash,
        c.entry_no as checked_no, c.balance as checked_balance, c.hash as checked_hash
      from public.wallets w
      left join public.wallet_checks c on c.client_id = w.client_id
      where w.client_id = any (p_ids)
  ), entries as materialized (
    select e.*, lag(e.entry_no, 1, b.entry_no) over chain as no_before, lag(e.balance_after, 1, b.balance) over chain as balance_before,
        lag(e.hash, 1, b.hash) over chain as hash_before
      from base b join public.wallet_entries e on e.client_id = b.client_id and e.entry_no > b.entry_no
      window chain as (partition by e.client_id order by e.entry_no)
  ), ends as materialized (
    select b.client_id, coalesce(e.entry_no, b.entry_no) as entry_no, coalesce(e.balance_after, b.balance) as balance, coalesce(e.hash, b.hash) as hash
      from base b
      left join (select distinct on (client_id) client_id, entry_no, balance_after, hash from entries order by client_id, entry_no desc) e
        on e.client_id = b.client_id
  )
  select client_id, 'wallet_entries_chain', format('client %s entry %s: balance_after %s', client_id, entry_no, balance_after)
    from entries where entry_no <> no_before + 1 or balance_after <> balance_before + amount
  union all
  select client_id, 'wallet_entries_hash_chain', format('client %s entry %s', client_id, entry_no)
    from entries
    where hash <> public.entry_hash(hash_before, client_id, entry_no, id, type, amount, balance_after, transaction_id, refund_id, dispute_id,
      created_at, description)
  union all
  select b.client_id, 'wallet_entries_hash_chain', format('client %s entry %s: not as it was when it was checked', b.client_id, b.checked_no)
    from base b
    left join public.wallet_entries e on e.client_id = b.client_id and e.entry_no = b.checked_no
    where b.checked_no > 0 and (e.hash, e.balance_after) is distinct from (b.checked_hash, b.checked_balance)
  union all
  select b.client_id, 'wallet_balance_is_sum_of_entries', format('client %s: balance %s, entries %s; %s counted, %s there', b.client_id, b.balance_due,
      n.balance, b.entry_count, n.entry_no)
    from base b join ends n on n.client_id = b.client_id
    where b.balance_due <> n.balance or b.entry_count <> n.entry_no
  union all
  select b.client_id, 'wallet_holds_the_head_of_its_chain', format('client %s: %s entries', b.client_id, b.entry_count)
    from base b join ends n on n.client_id = b.client_id
    where b.head_hash <> n.hash
$$;
revoke all on function public.check_wallets from public;
