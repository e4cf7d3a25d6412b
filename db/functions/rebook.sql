-- Books an attempt's volume again: it was released when the payment failed or expired, and then the money came after all.
-- Counts in the months and the day of now; may exceed limits, as the money has moved.
-- Locks: client_usage, then gateway_states.
create or replace function public.rebook(p_attempt public.payment_attempts) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_month constant date := public.month_in_india(now());
  v_today constant date := (now() at time zone 'Asia/Kolkata')::date;
begin
  update public.client_usage set
      day_count = 1 + case when day = v_today then day_count else 0 end,
      day_amount = p_attempt.amount + case when day = v_today then day_amount else 0 end,
      day = v_today,
      month_amount = p_attempt.amount + case when month = v_month then month_amount else 0 end,
      month = v_month
    where client_id = p_attempt.client_id;
  update public.gateway_states set
      volume = p_attempt.amount + case when volume_month = v_month then volume else 0 end,
      volume_month = v_month
    where gateway_id = p_attempt.gateway_id;
end
$$;
revoke all on function public.rebook from public;
