-- Commission booked a day (Asia/Kolkata) and merchant, paise: closed days as they were closed, the others from the entries themselves.
create or replace view reports.vw_commission_daily as
  select d.day, d.client_id, c.company_name, d.payments::bigint as payments, d.volume, d.commission, d.gst, d.reversed, d.gst_reversed
    from (
      select day, client_id, payments, volume, commission, gst, reversed, gst_reversed from public.ledger_days
      union all
      select day, client_id, payments, volume, commission, gst, reversed, gst_reversed
        from reports.open_ledger_days(date '2000-01-01', date '9999-12-30')
    ) d
    join public.clients c on c.id = d.client_id;
