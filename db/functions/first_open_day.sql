-- The first day (Asia/Kolkata) whose figures are not closed: from here on reports read the rows themselves.
create or replace function reports.first_open_day() returns date
language sql stable security definer set search_path = '' as $$
  select coalesce((select max(day) + 1 from public.report_days), date '2000-01-01')
$$;
revoke all on function reports.first_open_day from public;
grant execute on function reports.first_open_day to finance;
