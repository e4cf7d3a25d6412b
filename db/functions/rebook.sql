-- Books an attempt's volume again: it was released when the attempt failed or expired, and then the money came after all.
-- p_with_caps: the merchant's caps were given back too. Counts in the month and the day of
-- now; may exceed limits, as the money has moved.
-- Locks: client_usage, then gateway_states.
create or replace function public.rebook(p_attempt public.payment_attempts, p_with_caps boolean) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_month date;
begin
  perform from public.client_usage where client_id = p_attempt.client_id for update;
  perform from public.gateway_states where gateway_id = p_attempt.gateway_id for update;
  if p_with_caps then
    perform public.book_caps(p_attempt.transaction_id);
  end if;
  -- read after the lock: a month that somebody else began must not be taken back
  v_month := public.month_in_india(clock_timestamp());
  update public.gateway_states set
      volume = p_attempt.amount + case when volume_month = v_month then volume else 0 end,
      volume_month = v_month
    where gateway_id = p_attempt.gateway_id;
end
$$;
revoke all on function public.rebook from public;
