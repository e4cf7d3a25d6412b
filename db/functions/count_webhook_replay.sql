-- How many events of a merchant a replay would take, counted up to 50,001: all (but tests, and those now on their way for the
-- first time) or the failed ones, from p_from (included) to p_to; null = no bound. An event's time is that of its id.
-- All are counted in the index, without the rows; what is not of them is rare, has indexes of its own, and is taken off.
create or replace function public.count_webhook_replay(p_client_id uuid, p_which text, p_from timestamptz, p_to timestamptz)
returns integer
language plpgsql stable security definer set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare
  v_from constant uuid := public.first_uuid_at(coalesce(p_from, '1970-01-01T00:00:00Z'));
  v_to constant uuid := public.first_uuid_at(coalesce(p_to, now() + interval '1 second'));
  v_others integer;
  v_count integer;
begin
  if p_which = 'failed' then
    select count(*) into v_count from (select from public.webhook_events
      where client_id = p_client_id and id >= v_from and id < v_to and is_failed limit 50001) e;
  else
    v_others := (select count(*) from public.webhook_tests
        where client_id = p_client_id and event_id >= v_from and event_id < v_to)
      + (select count(*) from public.webhook_events
        where client_id = p_client_id and id >= v_from and id < v_to and status = 'pending' and attempts <= attempts_before
          and type <> 'webhook.test');
    select count(*) - v_others into v_count from (select from public.webhook_events
      where client_id = p_client_id and id >= v_from and id < v_to limit 50001 + v_others) e;
  end if;
  return v_count;
end
$$;
revoke all on function public.count_webhook_replay from public;
grant execute on function public.count_webhook_replay to studio;
