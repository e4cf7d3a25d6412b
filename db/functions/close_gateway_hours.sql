-- Counts the attempts of each gateway that were decided in the hours of Asia/Kolkata since the last call (gateway_hours), of at
-- most p_most hours. An hour is closed when it is over for p_lag, longer than the transactions that settle payments may take.
-- Hours in which nothing ended are passed over; nine days are kept, and an older beginning is not gone back to. Returns how
-- many hours were closed; fewer than p_most: there are no more.
-- Reads attempts by payment_attempts_settled_at_idx. Locks: an advisory one, so that one process does it; another returns 0.
create or replace function public.close_gateway_hours(p_most integer default 24, p_lag interval default '2 minutes') returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_over constant timestamptz := public.hour_in_india(now() - p_lag);
  v_from timestamptz;
  v_to timestamptz;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('lightspeedpay.close_gateway_hours', 0)) then
    return 0;
  end if;
  delete from public.gateway_hours where hour < v_over - interval '9 days';
  v_from := coalesce((select max(hour) + interval '1 hour' from public.gateway_hours), v_over - interval '9 days');
  v_from := public.hour_in_india((select min(settled_at) from public.payment_attempts where settled_at >= v_from and settled_at < v_over));
  if v_from is null then
    return 0;
  end if;
  v_to := least(v_over, v_from + p_most * interval '1 hour');
  insert into public.gateway_hours (hour, gateway_id, client_id, succeeded, failed)
    select public.hour_in_india(settled_at), gateway_id, client_id,
        count(*) filter (where status = 'succeeded' and public.is_decided(status, error_code)),
        count(*) filter (where status = 'failed' and public.is_decided(status, error_code))
      from public.payment_attempts
      where settled_at >= v_from and settled_at < v_to
      group by 1, 2, 3;
  return extract(epoch from v_to - v_from) / 3600;
end
$$;
revoke all on function public.close_gateway_hours from public;
grant execute on function public.close_gateway_hours to jobs;
