-- begin_delivery for many events in one commit, endpoint by endpoint. An event that is not to be sent now has no work.
-- Locks: as begin_delivery. Waits a quarter of a second at most (55P03), as begin_psp_orders.
create or replace function public.begin_deliveries(p_event_ids uuid[]) returns table (event_id uuid, work jsonb)
language plpgsql security definer set search_path = '' set lock_timeout = '250ms' as $$
begin
  return query
    select e.id, public.begin_delivery(e.id)
      from (select x.id from public.webhook_events x where x.id = any (p_event_ids) order by coalesce(x.endpoint_id, x.client_id), x.id) e;
end
$$;
revoke all on function public.begin_deliveries from public;
grant execute on function public.begin_deliveries to jobs;
