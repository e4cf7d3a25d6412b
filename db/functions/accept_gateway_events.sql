-- Stores PSPs' webhooks, whose signatures the application has checked, and adds the jobs that process them: one commit and one
-- wake-up for all. Durable when it returns; only then are the PSPs answered. A repetition (same gateway and dedupe key), also
-- within one call, stores nothing.
-- p_events: [{gateway_id, dedupe_key, event_type, headers, verified}]; p_bodies: their bodies, byte for byte. Answers in that order.
-- Locks: none but those of its inserts, made in the order of the keys, so that of two calls with events in common one waits.
create or replace function public.accept_gateway_events(p_events jsonb, p_bodies bytea[])
returns table (event_id uuid, duplicate boolean)
language plpgsql security definer set search_path = '' as $$
declare
  v_ids constant uuid[] := array(select uuidv7() from unnest(p_bodies));
  v_stored uuid[];
  v_jobs graphile_worker.job_spec[];
begin
  with stored as (
    insert into public.gateway_events (id, client_id, gateway_id, provider, dedupe_key, event_type, headers, raw_body, verified)
      select e.id, g.client_id, g.id, g.provider, e.dedupe_key, e.event_type, e.headers, e.raw_body, e.verified
        from rows from (
          jsonb_to_recordset(p_events) as (gateway_id uuid, dedupe_key text, event_type text, headers jsonb, verified boolean),
          unnest(p_bodies, v_ids)
        ) as e (gateway_id, dedupe_key, event_type, headers, verified, raw_body, id)
        join public.payment_gateways g on g.id = e.gateway_id
        order by e.gateway_id, e.dedupe_key
      on conflict on constraint gateway_events_gateway_id_dedupe_key_key do nothing
      returning id, gateway_id
  )
  select array_agg(s.id), array_agg((public.grouped_task('process_gateway_event', g.egress_group), json_build_object('event_id', s.id),
      null, null, 5, null, null, null)::graphile_worker.job_spec)
    into v_stored, v_jobs from stored s join public.payment_gateways g on g.id = s.gateway_id;
  if v_jobs is not null then
    perform pg_notify('job_lane', 'events') from graphile_worker.add_jobs(v_jobs);
  end if;
  if cardinality(v_stored) = cardinality(v_ids) then
    return query select id, false from unnest(v_ids) id;
  else
    return query select e.id, given.id <> e.id
      from rows from (jsonb_to_recordset(p_events) as (gateway_id uuid, dedupe_key text), unnest(v_ids))
        with ordinality as given (gateway_id, dedupe_key, id, place)
      left join public.gateway_events e on e.gateway_id = given.gateway_id and e.dedupe_key = given.dedupe_key
      order by given.place;
  end if;
end
$$;
revoke all on function public.accept_gateway_events from public;
grant execute on function public.accept_gateway_events to checkout;
