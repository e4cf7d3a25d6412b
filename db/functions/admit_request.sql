-- Counts one authenticated request that is no payment towards the merchant's limits. Returns what is left of them, as
-- initiate_payments does, and then the seconds to wait when it is refused, else null: [a minute's limit, left of it, seconds
-- until it begins anew, a second's limit or null, left of that, seconds to wait or null].
-- Errors: LS001 invalid_credentials (the key is no longer the merchant's), LS002 client_suspended.
-- Locks: client_usage, for the length of this call.
create or replace function public.admit_request(p_client_id uuid, p_client_key text) returns integer[]
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz;
  v_client record;
  v_wait integer;
  v_count integer;
  v_burst integer;
begin
  perform from public.client_usage where client_id = p_client_id for update;
  v_now := clock_timestamp();
  select c.status, c.rate_limit_per_minute, c.burst_per_second,
      case when u.window_started_at > v_now - interval '1 minute' then u.window_started_at else v_now end as window_started_at,
      case when u.window_started_at > v_now - interval '1 minute' then u.window_count else 0 end as window_count,
      case when u.burst_started_at > v_now - interval '1 second' then u.burst_started_at else v_now end as burst_started_at,
      case when u.burst_started_at > v_now - interval '1 second' then u.burst_count else 0 end as burst_count
    into v_client
    from public.clients c join public.client_usage u on u.client_id = c.id
    where c.id = p_client_id
      and (c.client_key = p_client_key or c.previous_client_key = p_client_key and c.previous_credentials_until > v_now);
  if not found then
    raise exception using errcode = 'LS001', message = 'client key is not valid';
  elsif v_client.status <> 'active' then
    raise exception using errcode = 'LS002', message = 'client is ' || v_client.status;
  end if;
  v_count := v_client.window_count;
  v_burst := v_client.burst_count;
  if v_count >= v_client.rate_limit_per_minute then
    v_wait := greatest(1, ceil(extract(epoch from v_client.window_started_at + interval '1 minute' - v_now)));
  elsif v_burst >= v_client.burst_per_second then
    v_wait := 1;
  else
    v_count := v_count + 1;
    v_burst := v_burst + 1;
    update public.client_usage set window_count = v_count, window_started_at = v_client.window_started_at,
        burst_count = v_burst, burst_started_at = v_client.burst_started_at
      where client_id = p_client_id;
  end if;
  return array[v_client.rate_limit_per_minute, greatest(0, v_client.rate_limit_per_minute - v_count),
    greatest(1, ceil(extract(epoch from v_client.window_started_at + interval '1 minute' - v_now)))::integer,
    v_client.burst_per_second, greatest(0, v_client.burst_per_second - v_burst), v_wait];
end
$$;
revoke all on function public.admit_request from public;
grant execute on function public.admit_request to checkout;
