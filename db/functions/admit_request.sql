-- Counts one authenticated request that is no payment towards the merchant's rate limit.
-- Errors: LS001 invalid_credentials (the key is no longer the merchant's), LS002 client_suspended, LS003 rate_limited
-- (detail: seconds to wait).
-- Locks: client_usage, for the length of this call.
create or replace function public.admit_request(p_client_id uuid, p_client_key text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz;
  v_client record;
begin
  perform from public.client_usage where client_id = p_client_id for update;
  v_now := clock_timestamp();
  select c.status, c.rate_limit_per_minute, u.window_started_at > v_now - interval '1 minute' as is_counting,
      u.window_started_at, u.window_count
    into v_client
    from public.clients c join public.client_usage u on u.client_id = c.id
    where c.id = p_client_id
      and (c.client_key = p_client_key or c.previous_client_key = p_client_key and c.previous_credentials_until > v_now);
  if not found then
    raise exception using errcode = 'LS001', message = 'client key is not valid';
  elsif v_client.status <> 'active' then
    raise exception using errcode = 'LS002', message = 'client is ' || v_client.status;
  elsif v_client.is_counting and v_client.window_count >= v_client.rate_limit_per_minute then
    raise exception using errcode = 'LS003', message = 'rate limit reached',
      detail = greatest(1, ceil(extract(epoch from v_client.window_started_at + interval '1 minute' - v_now)))::text;
  end if;
  update public.client_usage set
      window_count = case when v_client.is_counting then window_count else 0 end + 1,
      window_started_at = case when v_client.is_counting then window_started_at else v_now end
    where client_id = p_client_id;
end
$$;
revoke all on function public.admit_request from public;
grant execute on function public.admit_request to checkout;
