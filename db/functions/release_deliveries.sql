-- Puts an endpoint's waiting events back into the queue, oldest first, at most p_limit. Returns how many.
-- Locks: the events, with skip locked.
create or replace function public.release_deliveries(p_endpoint_id uuid, p_limit integer) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_ids uuid[];
begin
  with picked as (
    select id from public.webhook_events where coalesce(endpoint_id, client_id) = p_endpoint_id and status = 'waiting'
      order by id limit p_limit for update skip locked
  ), released as (
    update public.webhook_events e set status = 'pending', next_retry_at = now() from picked where e.id = picked.id returning e.id
  )
  select array_agg(id order by id) into v_ids from released;
  if v_ids is null then
    return 0;
  end if;
  perform pg_notify('job_lane', 'deliveries') from graphile_worker.add_jobs(array(select public.delivery_job(id) from unnest(v_ids) id));
  return cardinality(v_ids);
end
$$;
revoke all on function public.release_deliveries from public;
