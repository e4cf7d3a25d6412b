-- Looks for gateways that count less than this month's attempts took of them. Reads the month's attempts once.
create or replace function public.check_gateway_volumes() returns table (invariant text, detail text)
language sql stable security definer set search_path = '' set enable_seqscan = on as $$
  select 'gateway_volume_covers_its_attempts', format('gateway %s: volume %s, attempts %s', s.gateway_id, s.volume, a.amount)
    from public.gateway_states s
    join (select gateway_id, sum(amount) as amount from public.payment_attempts
      where released_at is null and id >= public.first_uuid_at(public.month_in_india(now())::timestamp at time zone 'Asia/Kolkata' - interval '1 hour')
        and public.month_in_india(created_at) = public.month_in_india(now()) group by 1) a on a.gateway_id = s.gateway_id
    where s.volume_month = public.month_in_india(now()) and s.volume < a.amount
$$;
revoke all on function public.check_gateway_volumes from public;
grant execute on function public.check_gateway_volumes to jobs;
