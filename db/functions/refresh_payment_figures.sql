-- Adds what happened in the minutes since the last call to the figures (payment_minutes, …_hours), at most p_most of them.
-- A minute is closed when it is over for p_lag, longer than the transactions that settle payments may take. A payment counts
-- when it was paid, an attempt when it was first decided. Returns how many minutes were closed.
-- Locks: an advisory one, so that one process does it; another returns 0.
create or replace function public.refresh_payment_figures(p_most integer default 1440, p_lag interval default '1 minute')
returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_from timestamptz;
  v_to timestamptz;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('lightspeedpay.refresh_payment_figures', 0)) then
    return 0;
  end if;
  v_from := coalesce(
    (select max(minute) + interval '1 minute' from public.payment_minutes),
    date_trunc('minute', least(
      (select min(paid_at) from public.transactions where paid_at is not null),
      (select min(settled_at) from public.payment_attempts where settled_at is not null))),
    date_trunc('minute', now() - p_lag));
  v_to := least(date_trunc('minute', now() - p_lag), v_from + p_most * interval '1 minute');
  if v_to <= v_from then
    return 0;
  end if;

  with paid as (
    select date_trunc('minute', t.paid_at) as minute, g.provider, count(*) as payments,
        coalesce(sum(t.amount) filter (where t.currency = 'INR'), 0) as amount,
        coalesce(sum(fee.amount), 0) as commission, coalesce(sum(gst.amount), 0) as gst
      from public.transactions t
      join public.payment_gateways g on g.id = t.gateway_id
      left join public.wallet_entries fee on fee.type = 'COMMISSION' and fee.transaction_id = t.id
      left join public.wallet_entries gst on gst.type = 'COMMISSION_GST' and gst.transaction_id = t.id
      where t.paid_at >= v_from and t.paid_at < v_to
      group by 1, 2
  ), tried as (
    select date_trunc('minute', a.settled_at) as minute, g.provider, count(*) filter (where a.status = 'succeeded') as succeeded,
        count(*) filter (where a.status = 'failed') as failed
      from public.payment_attempts a
      join public.payment_gateways g on g.id = a.gateway_id
      where a.settled_at >= v_from and a.settled_at < v_to and public.is_decided(a.status, a.error_code)
      group by 1, 2
  ), figures as (
    select minute, provider, coalesce(payments, 0) as payments, coalesce(amount, 0) as amount,
        coalesce(commission, 0) as commission, coalesce(gst, 0) as gst, coalesce(succeeded, 0) as succeeded,
        coalesce(failed, 0) as failed
      from paid full join tried using (minute, provider)
  ), minutes as (
    insert into public.payment_minutes (minute, provider, payments, amount, commission, succeeded, failed)
      select minute, provider, payments, amount, commission, succeeded, failed from figures
      union all
      select v_to - interval '1 minute', '', 0, 0, 0, 0, 0
  ), hours as (
    insert into public.payment_hours as h (hour, day, provider, payments, amount, succeeded, failed)
      select public.hour_in_india(minute), (minute at time zone 'Asia/Kolkata')::date, provider, sum(payments), sum(amount),
          sum(succeeded), sum(failed)
        from figures group by 1, 2, 3
      on conflict (hour, provider) do update set payments = h.payments + excluded.payments,
        amount = h.amount + excluded.amount, succeeded = h.succeeded + excluded.succeeded, failed = h.failed + excluded.failed
  )
  insert into public.commission_hours as h (hour, day, commission, gst)
    select public.hour_in_india(minute), (minute at time zone 'Asia/Kolkata')::date, sum(commission), sum(gst)
      from figures group by 1, 2
    on conflict (hour) do update set commission = h.commission + excluded.commission, gst = h.gst + excluded.gst;

  -- Their ids are of the time at which they were written.
  insert into public.webhook_hours as h (hour, day, delivered, failed)
    select public.hour_in_india(created_at), (created_at at time zone 'Asia/Kolkata')::date,
        count(*) filter (where status_code between 200 and 299), count(*) filter (where status_code not between 200 and 299 or status_code is null)
      from public.webhook_deliveries
      where id >= public.first_uuid_at(v_from) and id < public.first_uuid_at(v_to)
      group by 1, 2
    on conflict (hour) do update set delivered = h.delivered + excluded.delivered, failed = h.failed + excluded.failed;

  delete from public.payment_minutes where minute < v_to - interval '9 days';
  return extract(epoch from v_to - v_from) / 60;
end
$$;
revoke all on function public.refresh_payment_figures from public;
grant execute on function public.refresh_payment_figures to jobs;
