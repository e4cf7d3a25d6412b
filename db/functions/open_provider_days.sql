-- What reports.provider_days will hold of the days of a period that are not closed yet, today among them.
create or replace function reports.open_provider_days(p_from date, p_to date) returns setof reports.provider_days
language plpgsql stable security definer rows 100 set search_path = '' as $$
declare
  v_from constant date := greatest(p_from, reports.first_open_day());
begin
  if v_from <= p_to then
    return query select * from public.provider_figures(v_from::timestamp at time zone 'Asia/Kolkata',
      (p_to + 1)::timestamp at time zone 'Asia/Kolkata');
  end if;
end
$$;
revoke all on function reports.open_provider_days from public;
grant execute on function reports.open_provider_days to finance;
