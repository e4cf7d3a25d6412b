-- Payments, money (paise) and attempts between two times; p_since must be the start of an hour in Asia/Kolkata, within the
-- last nine days, p_until now or the start of a minute. Reads whole hours, the minutes of the last one, and the rows of what
-- is not closed yet (some two minutes).
create or replace function public.payment_figures(p_since timestamptz, p_until timestamptz)
returns table (payments bigint, amount bigint, commission bigint, succeeded bigint, failed bigint)
language plpgsql stable security definer set search_path = '' as $$
declare
  v_hour constant timestamptz := public.hour_in_india(p_until);
  v_closed constant timestamptz := coalesce((select max(minute) + interval '1 minute' from public.payment_minutes), '-infinity');
  v_open_since constant timestamptz := greatest(p_since, v_closed);
begin
  return query
    with closed as (
      select coalesce(sum(h.payments), 0) as payments, coalesce(sum(h.amount), 0) as amount, coalesce(sum(h.succeeded), 0) as succeeded,
          coalesce(sum(h.failed), 0) as failed
        from public.payment_hours h where h.hour >= p_since and h.hour < v_hour
    ), earned as (
      select coalesce(sum(h.commission), 0) as commission from public.commission_hours h where h.hour >= p_since and h.hour < v_hour
    ), minutes as (
      select coalesce(sum(m.payments), 0) as payments, coalesce(sum(m.amount), 0) as amount, coalesce(sum(m.commission), 0) as commission,
          coalesce(sum(m.succeeded), 0) as succeeded, coalesce(sum(m.failed), 0) as failed
        from public.payment_minutes m where m.minute >= greatest(p_since, v_hour) and m.minute < p_until
    ), paid as (
      select count(*) as payments, coalesce(sum(t.amount) filter (where t.currency = 'INR'), 0) as amount,
          coalesce(sum(e.amount), 0) as commission
        from public.transactions t
        left join public.wallet_entries e on e.type = 'COMMISSION' and e.transaction_id = t.id
        where t.paid_at >= v_open_since and t.paid_at < p_until
    ), tried as (
      select count(*) filter (where a.status = 'succeeded') as succeeded, count(*) filter (where a.status = 'failed') as failed
        from public.payment_attempts a
        where a.settled_at >= v_open_since and a.settled_at < p_until and public.is_decided(a.status, a.error_code)
    )
    select (closed.payments + minutes.payments + paid.payments)::bigint, (closed.amount + minutes.amount + paid.amount)::bigint,
        (earned.commission + minutes.commission + paid.commission)::bigint,
        (closed.succeeded + minutes.succeeded + tried.succeeded)::bigint,
        (closed.failed + minutes.failed + tried.failed)::bigint
      from closed, earned, minutes, paid, tried;
end
$$;
revoke all on function public.payment_figures from public;
