-- Books an attempt's volume again: it was released when the attempt failed or expired, and then the money came after all.
-- p_with_caps: the payment itself had ended, so the merchant's caps were released too. Counts in the month and the day of
-- now; may exceed limits, as the money has moved.
-- Locks: client_usage, then gateway_states.
create or replace function public.rebook(p_attempt public.payment_attempts, p_with_caps boolean) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz;
  v_month date;
  v_today date;
begin
  perform from public.client_usage where client_id = p_attempt.client_id for update;
  perform from public.gateway_states where gateway_id = p_attempt.gateway_id for update;
  -- read after the locks: a month or day that somebody else began must not be taken back
  v_now := clock_timestamp();
  v_month := public.month_in_india(v_now);
  v_today := (v_now at time zone 'Asia/Kolkata')::date;
  if p_with_caps then
    update public.client_usage set
        day_count = 1 + case when day = v_today then day_count else 0 end,
        day_amount = p_attempt.amount + case when day = v_today then day_amount else 0 end,
        day = v_today,
        month_amount = p_attempt.amount + case when month = v_month then month_amount else 0 end,
        month = v_month
      where client_id = p_attempt.client_id;
  end if;
  update public.gateway_states set
      volume = p_attempt.amount + case when volume_month = v_month then volume else 0 end,
      volume_month = v_month
    where gateway_id = p_attempt.gateway_id;
end
$$;
revoke all on function public.rebook from public;
