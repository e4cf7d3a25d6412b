-- A checkout process tells what it has counted of addresses since it last did, and hears what all processes together have
-- counted of them in this minute, who is blocked, and what the rules are. p_counts: array of {address, minute (seconds since
-- 1970), requests, authenticated, strikes}. Addresses that fail or flood are blocked here, each once, with an alert.
-- Locks: address_usage rows in the order of addresses; an advisory lock only where somebody is to be blocked. Nothing of payments.
create or replace function public.share_address_usage(p_counts jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_policy public.address_policy;
  v_totals jsonb := '[]';
  v_suspect record;
  v_times integer;
begin
  select * into strict v_policy from public.address_policy;
  if jsonb_array_length(p_counts) > 0 then
    with shared as (
      insert into public.address_usage as u (address, minute, requests, authenticated, strikes)
        select (c ->> 'address')::inet, to_timestamp((c ->> 'minute')::bigint), (c ->> 'requests')::integer,
            (c ->> 'authenticated')::integer, (c ->> 'strikes')::integer
          from jsonb_array_elements(p_counts) c
          order by 1, 2
        on conflict (address, minute) do update set requests = u.requests + excluded.requests,
          authenticated = u.authenticated + excluded.authenticated, strikes = u.strikes + excluded.strikes
        returning u.address, u.minute, u.requests
    )
    select coalesce(jsonb_agg(jsonb_build_object('address', host(address), 'minute', extract(epoch from minute)::bigint,
        'requests', requests)), '[]') into v_totals from shared;
    for v_suspect in
      select u.address, sum(u.strikes) as strikes, max(u.requests) as requests, sum(u.authenticated) as authenticated
        from public.address_usage u
        where u.address in (select (c ->> 'address')::inet from jsonb_array_elements(p_counts) c)
          and u.minute > v_now - interval '5 minutes'
        group by u.address
        having sum(u.strikes) >= v_policy.most_strikes and sum(u.strikes) > sum(u.authenticated)
          or max(u.requests) >= v_policy.requests_per_minute::bigint * v_policy.flood_factor
        order by u.address
    loop
      perform pg_advisory_xact_lock(hashtextextended('lightspeedpay.address_block:' || host(v_suspect.address), 0));
      continue when exists (select from public.address_blocks b
        where b.address = v_suspect.address and b.lifted_at is null and b.blocked_until > v_now);
      select count(*) into v_times from public.address_blocks b
        where b.address = v_suspect.address and b.lifted_at is null and b.blocked_at > v_now - interval '1 day';
      insert into public.address_blocks (address, reason, count, blocked_until) values (v_suspect.address,
        case when v_suspect.strikes >= v_policy.most_strikes then 'refused_credentials' else 'flood' end,
        case when v_suspect.strikes >= v_policy.most_strikes then v_suspect.strikes else v_suspect.requests end,
        v_now + least(v_policy.block_seconds * 2 ^ least(v_times, 20), v_policy.longest_block_seconds) * interval '1 second');
      -- what led to this block does not lead to the next one
      delete from public.address_usage u where u.address = v_suspect.address;
      perform public.raise_alert('address_blocked', 'warning',
        format('The address %s is blocked: %s.', host(v_suspect.address), case when v_suspect.strikes >= v_policy.most_strikes
          then v_suspect.strikes || ' refused credentials within five minutes' else v_suspect.requests || ' requests within a minute' end),
        jsonb_build_object('address', host(v_suspect.address)), 'address_blocked:' || host(v_suspect.address));
    end loop;
    delete from public.address_usage where minute < v_now - interval '10 minutes';
  end if;
  return jsonb_build_object(
    'requests_per_minute', v_policy.requests_per_minute,
    'burst_per_second', v_policy.burst_per_second,
    'totals', v_totals,
    'blocked', (select coalesce(jsonb_agg(jsonb_build_object('address', host(b.address),
        'seconds', ceil(extract(epoch from b.blocked_until - v_now)))), '[]')
      from (select * from public.address_blocks where lifted_at is null and blocked_until > v_now
        order by blocked_until desc limit 10000) b));
end
$$;
revoke all on function public.share_address_usage from public;
grant execute on function public.share_address_usage to checkout;
