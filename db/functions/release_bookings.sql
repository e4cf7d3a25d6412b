-- Gives back what attempts that failed or expired had booked: the gateway's month and the merchant's caps, where the same
-- month or day still counts. Each attempt is released once (released_at).
-- Locks: client_usage, then gateway_states, each in id order; the caller holds the transactions.
create or replace function public.release_bookings(p_attempt_ids uuid[]) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_ids uuid[];
begin
  with released as (
    update public.payment_attempts set released_at = now()
      where id = any (p_attempt_ids) and released_at is null
      returning id
  )
  select array_agg(id) into v_ids from released;
  if v_ids is null then
    return;
  end if;
  perform from public.client_usage
    where client_id in (select client_id from public.payment_attempts where id = any (v_ids)) order by client_id for update;
  perform from public.gateway_states
    where gateway_id in (select gateway_id from public.payment_attempts where id = any (v_ids)) order by gateway_id for update;
  update public.gateway_states s set volume = greatest(0, s.volume - a.amount)
    from (select gateway_id, public.month_in_india(created_at) as month, sum(amount)::bigint as amount
      from public.payment_attempts where id = any (v_ids) group by 1, 2) a
    where s.gateway_id = a.gateway_id and s.volume_month = a.month;
  -- An attempt that another attempt replaced keeps the merchant's caps booked: it is still the same payment.
  update public.client_usage u set
      day_count = greatest(0, u.day_count - a.today_count),
      day_amount = greatest(0, u.day_amount - a.today_amount),
      month_amount = greatest(0, u.month_amount - a.month_amount)
    from (
      select x.client_id,
          count(*) filter (where (t.created_at at time zone 'Asia/Kolkata')::date = v.day)::integer as today_count,
          coalesce(sum(x.amount) filter (where (t.created_at at time zone 'Asia/Kolkata')::date = v.day), 0)::bigint as today_amount,
          coalesce(sum(x.amount) filter (where public.month_in_india(t.created_at) = v.month), 0)::bigint as month_amount
        from public.payment_attempts x
        join public.transactions t on t.id = x.transaction_id and t.status in ('failed', 'expired')
        join public.client_usage v on v.client_id = x.client_id
        where x.id = any (v_ids)
          and x.attempt_no = (select max(attempt_no) from public.payment_attempts y where y.transaction_id = x.transaction_id)
        group by 1
      ) a
    where u.client_id = a.client_id;
end
$$;
revoke all on function public.release_bookings from public;
