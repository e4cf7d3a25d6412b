-- Forgets the figures of the days from p_from on; the clock closes them anew (close_report_days), and until then the reports read the rows
-- themselves. For whoever has corrected rows by hand; figures that are made anew are the same unless the rows differ. Returns how many days
-- are open now.
-- Locks: as close_report_days, and waits for it.
create or replace function public.reopen_report_days(p_from date) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_reopened integer;
begin
  perform pg_advisory_xact_lock(hashtextextended('lightspeedpay.close_report_days', 0));
  delete from public.report_days where day >= p_from;
  get diagnostics v_reopened = row_count;
  delete from public.ledger_days where day >= p_from;
  delete from public.provider_days where day >= p_from;
  delete from public.ledger_months where month >= date_trunc('month', p_from);
  insert into public.ledger_months (client_id, month, payments, volume, commission, gst, refunds, refunded, reversed, gst_reversed)
    select client_id, date_trunc('month', p_from)::date, sum(payments), sum(volume), sum(commission), sum(gst), sum(refunds), sum(refunded),
        sum(reversed), sum(gst_reversed)
      from public.ledger_days where day >= date_trunc('month', p_from) and day < p_from
      group by 1;
  return v_reopened;
end
$$;
revoke all on function public.reopen_report_days from public;
