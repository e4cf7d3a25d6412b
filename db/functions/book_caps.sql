-- Counts a payment in the merchant's caps of now, after they were given back.
-- Locks: client_usage; the caller holds the transaction.
create or replace function public.book_caps(p_transaction_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_transaction public.transactions;
  v_now timestamptz;
  v_month date;
  v_today date;
begin
  select * into strict v_transaction from public.transactions where id = p_transaction_id;
  perform from public.client_usage where client_id = v_transaction.client_id for update;
  -- read after the lock: a month or day that somebody else began must not be taken back
  v_now := clock_timestamp();
  v_month := public.month_in_india(v_now);
  v_today := (v_now at time zone 'Asia/Kolkata')::date;
  update public.client_usage set
      day_count = 1 + case when day = v_today then day_count else 0 end,
      day_amount = v_transaction.amount + case when day = v_today then day_amount else 0 end,
      day = v_today,
      month_amount = v_transaction.amount + case when month = v_month then month_amount else 0 end,
      month = v_month
    where client_id = v_transaction.client_id;
  update public.transactions set caps_booked_at = v_now where id = p_transaction_id;
end
$$;
revoke all on function public.book_caps from public;
