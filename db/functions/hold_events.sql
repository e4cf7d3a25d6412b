-- Keeps events whose endpoints were found disabled, or removed, until they are enabled (disabled). Looks again first, in turn with whoever
-- enables one (enable_webhook_endpoint): either they find the event among those that were kept, or it is sent from here. So none
-- is left behind that was written, or about to be sent, at that moment.
-- Locks: the endpoints' turns (advisory, shared), in id order, then the events.
create or replace function public.hold_events(p_event_ids uuid[]) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_jobs graphile_worker.job_spec[];
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('webhook_endpoint:' || endpoint.id, 0))
    from (select distinct coalesce(endpoint_id, client_id) as id from public.webhook_events where id = any (p_event_ids) order by 1) endpoint;
  with held as (
    update public.webhook_events e set status = case when found.is_enabled then 'pending' else 'disabled' end,
        next_retry_at = case when found.is_enabled then now() end
      from (
        select x.id, exists (select from public.webhook_endpoints w
            where w.id = coalesce(x.endpoint_id, x.client_id) and w.removed_at is null and w.disabled_at is null) as is_enabled
          from public.webhook_events x where x.id = any (p_event_ids)
      ) found
      where e.id = found.id and e.status in ('pending', 'waiting', 'disabled') and (found.is_enabled or e.status <> 'disabled')
      returning e.id, e.status
  )
  select array_agg(public.delivery_job(id))
    into v_jobs from held where status = 'pending';
  if v_jobs is not null then
    perform pg_notify('job_lane', 'deliveries') from graphile_worker.add_jobs(v_jobs);
  end if;
end
$$;
revoke all on function public.hold_events from public;
