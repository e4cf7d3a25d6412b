-- Expires payments whose time is over, up to p_limit of them; call again while it returns p_limit. Their attempts are
-- looked up once more at the PSP: a success that was under way is accepted as late.
-- Locks: the transactions (skip locked), then as release_bookings.
create or replace function public.expire_transactions(p_limit integer default 500) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_ids uuid[];
  v_attempts uuid[];
  v_known uuid[];
begin
  select array_agg(id) into v_ids from (
    select id from public.transactions
      where status in ('created', 'pending') and expires_at <= now()
      order by expires_at limit p_limit for update skip locked) due;
  if v_ids is null then
    return 0;
  end if;
  with expired as (
    update public.payment_attempts set
        status = 'expired', updated_at = now(),
        next_lookup_at = case when psp_order_id is not null then now() + interval '5 minutes' end
      where transaction_id = any (v_ids) and status in ('created', 'pending', 'unknown', 'authorized')
      returning id, psp_order_id
  )
  select array_agg(id), array_agg(id) filter (where psp_order_id is not null) into v_attempts, v_known from expired;
  update public.transactions set status = 'expired', version = version + 1, updated_at = now() where id = any (v_ids);
  perform public.write_transaction_events(v_ids);
  if v_attempts is not null then
    perform public.release_bookings(v_attempts);
  end if;
  if v_known is not null then
    perform graphile_worker.add_jobs(array(
      select ('confirm_attempt', json_build_object('attempt_id', id), null, null, 5, 'confirm_attempt:' || id, null, null)::graphile_worker.job_spec
        from unnest(v_known) id));
  end if;
  return cardinality(v_ids);
end
$$;
revoke all on function public.expire_transactions from public;
grant execute on function public.expire_transactions to jobs;
