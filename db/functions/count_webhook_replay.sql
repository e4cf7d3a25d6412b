-- How many events of an endpoint a replay would take, counted up to 50,001: all (but tests, what nobody wanted, and those now on
-- their way for the first time), the failed ones, or those kept while it was disabled (held), from p_from (included) to p_to;
-- null = no bound. An event's time is that of its id.
-- Of a merchant with one endpoint all are counted in the index, without the rows; what is not of them is rare, has indexes of its
-- own, and is taken off.
create or replace function public.count_webhook_replay(p_endpoint_id uuid, p_which text, p_from timestamptz, p_to timestamptz)
returns integer
language plpgsql stable security definer set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare
  v_from constant uuid := public.first_uuid_at(coalesce(p_from, '1970-01-01T00:00:00Z'));
  v_to constant uuid := public.first_uuid_at(coalesce(p_to, now() + interval '1 second'));
  v_client_id constant uuid := coalesce((select client_id from public.webhook_endpoints where id = p_endpoint_id), p_endpoint_id);
  v_other constant uuid := nullif(p_endpoint_id, v_client_id);
  v_others integer;
  v_count integer;
begin
  if p_which in ('failed', 'held') then
    select count(*) into v_count from (select from public.webhook_events
      where client_id = v_client_id and id >= v_from and id < v_to and is_failed and endpoint_id is not distinct from v_other
        and (p_which = 'failed' or status = 'disabled') limit 50001) e;
  elsif v_other is not null then
    select count(*) into v_count from (select from public.webhook_events
      where client_id = v_client_id and endpoint_id = v_other and id >= v_from and id < v_to
        and type <> 'webhook.test' and (status not in ('pending', 'waiting') or attempts > attempts_before) limit 50001) e;
  elsif exists (select from public.webhook_endpoints where client_id = v_client_id and (id <> client_id or event_types <> '{*}')) then
    select count(*) into v_count from (select from public.webhook_events
      where client_id = v_client_id and endpoint_id is null and id >= v_from and id < v_to
        and type <> 'webhook.test' and status <> 'unwanted' and (status not in ('pending', 'waiting') or attempts > attempts_before) limit 50001) e;
  else
    v_others := (select count(*) from public.webhook_tests
        where client_id = v_client_id and event_id >= v_from and event_id < v_to)
      + (select count(*) from public.webhook_events
        where client_id = v_client_id and id >= v_from and id < v_to and status in ('pending', 'waiting') and attempts <= attempts_before
          and type <> 'webhook.test');
    select count(*) - v_others into v_count from (select from public.webhook_events
      where client_id = v_client_id and id >= v_from and id < v_to limit 50001 + v_others) e;
  end if;
  return v_count;
end
$$;
revoke all on function public.count_webhook_replay from public;
grant execute on function public.count_webhook_replay to studio;
