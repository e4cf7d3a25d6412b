-- A merchant's endpoints, the first one first: what each is and how it is, without secrets. held counts events that are kept
-- while it is disabled, or wait for it, up to 1,000.
create or replace function public.list_webhook_endpoints(p_client_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', w.id, 'is_first', w.id = w.client_id, 'url', w.url, 'description', w.description,
      'event_types', w.event_types, 'disabled_at', public.iso_time(w.disabled_at), 'disabled_because', w.disabled_because,
      'resting_until', public.iso_time(w.resting_until), 'failing_since', public.iso_time(w.failing_since),
      'previous_secret_until', public.iso_time(s.until),
      'waiting', (select count(*) from (select from public.webhook_events
        where coalesce(endpoint_id, client_id) = w.id and status = 'waiting' limit 1000) waiting),
      'held', case when w.disabled_at is not null then (select count(*) from (select from public.webhook_events
        where client_id = w.client_id and is_failed and coalesce(endpoint_id, client_id) = w.id and status = 'disabled' limit 1000) held) else 0 end)
      order by w.id <> w.client_id, w.id), '[]')
    from public.webhook_endpoints w
    join public.clients c on c.id = w.client_id
    cross join lateral (select case when w.secret is null then c.previous_webhook_secret_until else w.previous_secret_until end as at) p
    cross join lateral (select case when p.at > now() then p.at end as until) s
    where w.client_id = p_client_id and w.removed_at is null
$$;
revoke all on function public.list_webhook_endpoints from public;
grant execute on function public.list_webhook_endpoints to studio;
