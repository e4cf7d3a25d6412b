-- What stored PSP webhooks say of payments, settled in one commit: finds each event's attempt (attempt_about), marks the event
-- processed and settles all of them (settle_attempts) in the order in which they were stored: a PSP sends what happened first first.
-- An event whose attempt is not found is left as it is; its attempt_id is null.
-- p_events: [{event_id, state}]; state as in settle_attempts, with reference. The events' bodies are proven.
-- Locks: the events, then as settle_attempts. Waits a quarter of a second at most (55P03): then the caller settles each by
-- itself, and a payment that is held by somebody keeps no other waiting.
-- The plans look each row up by its key: one made while a table was small must not become a scan of all of it when it has grown.
create or replace function public.settle_gateway_events(p_events jsonb)
returns table (event_id uuid, attempt_id uuid, transaction_id uuid, transaction_status text, changed boolean)
language plpgsql security definer set search_path = '' set lock_timeout = '250ms' set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  v_unknown uuid[];
  v_events uuid[];
  v_attempts uuid[];
  v_states jsonb[];
begin
  with found as materialized (
    select e.id, s.state, about.attempt_id
      from jsonb_to_recordset(p_events) as s (event_id uuid, state jsonb)
      join public.gateway_events e on e.id = s.event_id
      cross join lateral public.attempt_about(e.gateway_id, s.state ->> 'psp_order_id', s.state ->> 'reference') about
  ), processed as (
    update public.gateway_events e set error = null, processed_at = now() from found f where e.id = f.id and f.attempt_id is not null
  )
  select array_agg(f.id) filter (where f.attempt_id is null),
      array_agg(f.id order by f.id) filter (where f.attempt_id is not null),
      array_agg(f.attempt_id order by f.id) filter (where f.attempt_id is not null),
      array_agg(f.state order by f.id) filter (where f.attempt_id is not null)
    into v_unknown, v_events, v_attempts, v_states
    from found f;
  return query
    select s.*
      from rows from (unnest(v_events, v_attempts), public.settle_attempts(v_attempts, v_states)) s
    union all
    select u, null, null, null, false from unnest(v_unknown) u;
end
$$;
revoke all on function public.settle_gateway_events from public;
grant execute on function public.settle_gateway_events to jobs;
