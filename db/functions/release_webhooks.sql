-- Looks after the events that wait (park_delivery): where the endpoint is well, some go back into the queue, and each delivery
-- that ends brings the next (record_deliveries); where it has rested, one goes ahead; where it was disabled, they are kept
-- (hold_events), 5,000 at a time. Returns how many went back. The schedule of this name calls it.
-- Finds the endpoints by skipping through webhook_events_waiting_idx, however many events each has.
create or replace function public.release_webhooks() returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_endpoint record;
  v_count integer := 0;
begin
  for v_endpoint in
    with recursive waiting as (
      (select coalesce(endpoint_id, client_id) as id from public.webhook_events where status = 'waiting'
        order by coalesce(endpoint_id, client_id) limit 1)
      union all
      select (select coalesce(endpoint_id, client_id) from public.webhook_events
          where status = 'waiting' and coalesce(endpoint_id, client_id) > waiting.id order by coalesce(endpoint_id, client_id) limit 1)
        from waiting where waiting.id is not null
    )
    select waiting.id, w.resting_until, w.id is not null and w.disabled_at is null as is_on
      from waiting left join public.webhook_endpoints w on w.id = waiting.id and w.removed_at is null
      where waiting.id is not null
  loop
    if not v_endpoint.is_on then
      perform public.hold_events(array(
        select id from public.webhook_events where coalesce(endpoint_id, client_id) = v_endpoint.id and status = 'waiting'
          order by id limit 5000 for update skip locked));
    elsif v_endpoint.resting_until is null then
      v_count := v_count + public.release_deliveries(v_endpoint.id, 8);
    elsif v_endpoint.resting_until <= now() then
      v_count := v_count + public.release_deliveries(v_endpoint.id, 1);
    end if;
  end loop;
  return v_count;
end
$$;
revoke all on function public.release_webhooks from public;
grant execute on function public.release_webhooks to jobs;
