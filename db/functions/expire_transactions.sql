-- Expires payments whose time is over, up to p_limit of them; call again while it returns p_limit or more. Their attempts are
-- looked up once more at the PSP: a success that was under way is accepted as late. So are attempts that a payer began after
-- the payment had failed; its status stays.
-- Locks: the transactions (skip locked), then as release_bookings.
create or replace function public.expire_transactions(p_limit integer default 500) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_ids uuid[];
  v_retried uuid[];
  v_attempts uuid[];
  v_expired public.transactions[];
  v_jobs graphile_worker.job_spec[];
begin
  select array_agg(id) into v_ids from (
    select id from public.transactions
      where status in ('created', 'pending') and expires_at <= now()
        -- so are all that are open, and a failed one only while another attempt of it is under way: transactions_expires_at_idx
        and paid_at is null and caps_booked_at is not null
      order by expires_at limit p_limit for update skip locked) due;
  select array_agg(id) into v_retried from (
    select t.id from public.payment_attempts a join public.transactions t on t.id = a.transaction_id
      where a.attempt_no > 1 and a.status in ('created', 'pending', 'unknown', 'authorized')
        and t.status = 'failed' and t.expires_at <= now()
      limit p_limit for update of t skip locked) due;
  if v_ids is null and v_retried is null then
    return 0;
  end if;
  with expired as (
    update public.payment_attempts a set
        status = 'expired', updated_at = now(),
        next_lookup_at = case when psp_order_id is not null and g.provider <> 'upi' then now() + interval '5 minutes' end
      from public.payment_gateways g
      where g.id = a.gateway_id and transaction_id = any (v_ids || v_retried)
        and status in ('created', 'pending', 'unknown', 'authorized')
      returning a.id, a.gateway_id, a.next_lookup_at
  )
  select array_agg(id),
      array_agg((public.egress_task('confirm_attempt', gateway_id), json_build_object('attempt_id', id), null, null, 5,
        'confirm_attempt:' || id, null, null)::graphile_worker.job_spec) filter (where next_lookup_at is not null)
    into v_attempts, v_jobs from expired;
  if v_ids is not null then
    with expired as (
      update public.transactions t set status = 'expired', version = version + 1, updated_at = now() where id = any (v_ids)
        returning t
    )
    select array_agg(t) into v_expired from expired;
    perform public.write_transaction_events(v_expired);
  end if;
  if v_retried is not null then
    update public.transactions set version = version + 1, updated_at = now() where id = any (v_retried);
    perform pg_notify('transaction_status', id::text) from unnest(v_retried) id;
  end if;
  if v_attempts is not null then
    perform public.release_bookings(v_attempts);
  end if;
  if v_jobs is not null then
    perform graphile_worker.add_jobs(v_jobs);
  end if;
  return greatest(coalesce(cardinality(v_ids), 0), coalesce(cardinality(v_retried), 0));
end
$$;
revoke all on function public.expire_transactions from public;
grant execute on function public.expire_transactions to jobs;
