-- Gives back what attempts that failed or expired had booked: the gateway's month, each attempt once (released_at); and the
-- merchant's caps of payments that failed or expired with no attempt left under way, each booking once (caps_booked_at). Both
-- where the same month or day still counts.
-- Locks: client_usage, then gateway_states, each in id order; the caller holds the transactions.
create or replace function public.release_bookings(p_attempt_ids uuid[]) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_ids uuid[];
  v_ended uuid[];
begin
  with released as (
    update public.payment_attempts set released_at = now()
      where id = any (p_attempt_ids) and released_at is null
      returning id
  )
  select array_agg(id) into v_ids from released;
  select array_agg(t.id) into v_ended from public.transactions t
    where t.id in (select a.transaction_id from public.payment_attempts a where a.id = any (p_attempt_ids))
      and t.status in ('failed', 'expired') and t.caps_booked_at is not null
      and not exists (select from public.payment_attempts y where y.transaction_id = t.id and y.released_at is null);
  if v_ids is null and v_ended is null then
    return;
  end if;
  perform from public.client_usage
    where client_id in (select client_id from public.payment_attempts where id = any (p_attempt_ids)) order by client_id for update;
  perform from public.gateway_states
    where gateway_id in (select gateway_id from public.payment_attempts where id = any (v_ids)) order by gateway_id for update;
  update public.gateway_states s set volume = greatest(0, s.volume - a.amount)
    from (select gateway_id, public.month_in_india(created_at) as month, sum(amount)::bigint as amount
      from public.payment_attempts where id = any (v_ids) group by 1, 2) a
    where s.gateway_id = a.gateway_id and s.volume_month = a.month;
  if v_ended is null then
    return;
  end if;
  update public.client_usage u set
      day_count = greatest(0, u.day_count - ended.today_count),
      day_amount = greatest(0, u.day_amount - ended.today_amount),
      month_amount = greatest(0, u.month_amount - ended.month_amount)
    from (
      select t.client_id,
          count(*) filter (where (t.caps_booked_at at time zone 'Asia/Kolkata')::date = v.day)::integer as today_count,
          coalesce(sum(t.amount) filter (where (t.caps_booked_at at time zone 'Asia/Kolkata')::date = v.day), 0)::bigint as today_amount,
          coalesce(sum(t.amount) filter (where public.month_in_india(t.caps_booked_at) = v.month), 0)::bigint as month_amount
        from public.transactions t join public.client_usage v on v.client_id = t.client_id
        where t.id = any (v_ended)
        group by 1
      ) ended
    where u.client_id = ended.client_id;
  update public.transactions set caps_booked_at = null where id = any (v_ended);
end
$$;
revoke all on function public.release_bookings from public;
