-- Sweeps the night that last began at 02:00 Asia/Kolkata, once: a payout, with its job, for every merchant with an enabled
-- collection account whose balance is at or over its threshold, and whose dues are not being collected already. The amount is
-- the balance of this moment. Returns {night, payouts, amount (paise)}; payouts is null when the night was swept before.
-- 10,000 wallets are read, each once, and only by the night's first run.
-- Locks: the night's row of collection_nights, by which runs at the same time wait for one another.
create or replace function public.collect_commissions() returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_night constant date := (now() at time zone 'Asia/Kolkata' - interval '2 hours')::date;
  v_payouts integer;
  v_amount bigint;
  v_jobs graphile_worker.job_spec[];
begin
  insert into public.collection_nights (night) values (v_night) on conflict do nothing;
  if not found then
    return jsonb_build_object('night', v_night, 'payouts', null);
  end if;
  with made as (
    insert into public.payouts (client_id, collected_for, amount, provider, source_account, destination, mode)
      select w.client_id, v_night, w.balance_due, a.provider, a.source_account, a.destination, a.mode
        from public.collection_accounts a
        join public.wallets w on w.client_id = a.client_id
        where a.is_enabled and w.balance_due >= a.threshold
        order by w.client_id
      on conflict do nothing
      returning id, client_id, amount
  )
  select count(*), coalesce(sum(amount), 0),
      array_agg((public.collection_task(client_id), json_build_object('payout_id', id), null, null, 5,
        'collect_payout:' || id, null, null)::graphile_worker.job_spec)
    into v_payouts, v_amount, v_jobs
    from made;
  if v_payouts > 0 then
    perform graphile_worker.add_jobs(v_jobs);
  end if;
  update public.collection_nights set payouts = v_payouts, amount = v_amount where night = v_night;
  return jsonb_build_object('night', v_night, 'payouts', v_payouts, 'amount', v_amount);
end
$$;
revoke all on function public.collect_commissions from public;
grant execute on function public.collect_commissions to jobs;
