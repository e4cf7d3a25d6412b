-- What reports.ledger_days will hold of the days of a period that are not closed yet, today among them; p_client_id: of one merchant.
-- net is the sum of all entries of the day. No row, and next to no work, for a period that is closed.
create or replace function reports.open_ledger_days(p_from date, p_to date, p_client_id uuid default null)
returns table (day date, client_id uuid, payments integer, volume bigint, commission bigint, gst bigint, refunds integer, refunded bigint,
  reversed bigint, gst_reversed bigint, collected bigint, settled bigint, adjusted bigint, others bigint, raised bigint, net bigint)
language plpgsql stable security definer rows 5000 set search_path = '' as $$
declare
  v_from constant date := greatest(p_from, reports.first_open_day());
begin
  if v_from <= p_to then
    return query select * from public.ledger_figures(v_from::timestamp at time zone 'Asia/Kolkata',
      (p_to + 1)::timestamp at time zone 'Asia/Kolkata', p_client_id);
  end if;
end
$$;
revoke all on function reports.open_ledger_days from public;
grant execute on function reports.open_ledger_days to finance;
