-- Closes the days (Asia/Kolkata) that are over for p_lag, longer than the transactions that book may take: writes their figures for the
-- reports (ledger_days, ledger_months, provider_days), at most p_most days, oldest first. Until then the reports read such days from the rows
-- themselves, so a late run costs time and no figure. Returns how many days were closed.
-- An attempt that failed may succeed for eight days yet, and then counts on that day: figures of providers are written anew for as long.
-- Locks: an advisory one, so that one process does it; another returns 0.
create or replace function public.close_report_days(p_most integer default 3, p_lag interval default '15 minutes') returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_last_over constant date := ((now() - p_lag) at time zone 'Asia/Kolkata')::date - 1;
  v_first date;
  v_day date;
  v_since timestamptz;
  v_until timestamptz;
  v_closed integer := 0;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('lightspeedpay.close_report_days', 0)) then
    return 0;
  end if;
  v_first := coalesce((select max(day) + 1 from public.report_days),
    (least((select min(created_at) from public.wallet_entries), (select min(settled_at) from public.payment_attempts where settled_at is not null))
      at time zone 'Asia/Kolkata')::date);
  v_day := v_first;
  while v_day <= v_last_over and v_closed < p_most loop
    v_since := v_day::timestamp at time zone 'Asia/Kolkata';
    v_until := (v_day + 1)::timestamp at time zone 'Asia/Kolkata';
    with figures as materialized (
      select * from public.ledger_figures(v_since, v_until)
    ), days as (
      insert into public.ledger_days (client_id, day, payments, volume, commission, gst, refunds, refunded, reversed, gst_reversed, collected, settled,
          adjusted, others, raised, closing_balance)
        select f.client_id, f.day, f.payments, f.volume, f.commission, f.gst, f.refunds, f.refunded, f.reversed, f.gst_reversed, f.collected, f.settled,
            f.adjusted, f.others, f.raised, f.net + coalesce((select d.closing_balance from public.ledger_days d
              where d.client_id = f.client_id and d.day < f.day order by d.day desc limit 1), 0)
          from figures f
    )
    insert into public.ledger_months as m (client_id, month, payments, volume, commission, gst, refunds, refunded, reversed, gst_reversed)
      select f.client_id, date_trunc('month', v_day)::date, f.payments, f.volume, f.commission, f.gst, f.refunds, f.refunded, f.reversed, f.gst_reversed
        from figures f
      on conflict (client_id, month) do update set payments = m.payments + excluded.payments, volume = m.volume + excluded.volume,
        commission = m.commission + excluded.commission, gst = m.gst + excluded.gst, refunds = m.refunds + excluded.refunds,
        refunded = m.refunded + excluded.refunded, reversed = m.reversed + excluded.reversed, gst_reversed = m.gst_reversed + excluded.gst_reversed;
    insert into public.provider_days select * from public.provider_figures(v_since, v_until);
    insert into public.report_days (day) values (v_day);
    v_closed := v_closed + 1;
    v_day := v_day + 1;
  end loop;
  if v_closed > 0 then
    -- v_day is the first day that is open
    delete from public.provider_days where day >= v_first - 9 and day < v_first;
    insert into public.provider_days
      select * from public.provider_figures((v_first - 9)::timestamp at time zone 'Asia/Kolkata', v_first::timestamp at time zone 'Asia/Kolkata');
  end if;
  return v_closed;
end
$$;
revoke all on function public.close_report_days from public;
grant execute on function public.close_report_days to jobs;
