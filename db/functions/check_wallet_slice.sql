-- Checks the next p_limit wallets after the id p_after (null: from the first): with p_whole all their entries; without it, of the wallets that
-- were written to since they were last found sound, the entries since then. A sound wallet is remembered (wallet_checks), so that the next check
-- goes on from there. Answers as check_payment_slice.
create or replace function public.check_wallet_slice(p_whole boolean, p_after uuid, p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_wallets public.wallets[];
  v_ids uuid[];
  v_violations jsonb;
  v_broken uuid[];
begin
  select array_agg(w::public.wallets), array_agg(client_id) into v_wallets, v_ids from (
    select w.* from public.wallets w left join public.wallet_checks c on c.client_id = w.client_id
      where w.client_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        and (p_whole or (w.entry_count, w.balance_due, w.head_hash) is distinct from (c.entry_no, c.balance, c.hash))
      order by w.client_id limit p_limit) w;
  if v_ids is null then
    return '{"checked": 0, "last": null, "violations": []}';
  end if;
  select coalesce(jsonb_agg(jsonb_build_object('invariant', c.invariant, 'detail', c.detail)), '[]'), coalesce(array_agg(c.client_id), '{}')
    into v_violations, v_broken from public.check_wallets(v_ids, p_whole) c;
  -- As they were read before the check, which covered that much at least.
  insert into public.wallet_checks as c (client_id, entry_no, balance, hash, checked_at)
    select w.client_id, w.entry_count, w.balance_due, w.head_hash, now() from unnest(v_wallets) w
      where w.client_id <> all (v_broken)
    on conflict (client_id) do update set entry_no = excluded.entry_no, balance = excluded.balance, hash = excluded.hash, checked_at = now();
  return jsonb_build_object('checked', cardinality(v_ids), 'last', v_ids[cardinality(v_ids)], 'violations', v_violations);
end
$$;
revoke all on function public.check_wallet_slice from public;
grant execute on function public.check_wallet_slice to jobs;
