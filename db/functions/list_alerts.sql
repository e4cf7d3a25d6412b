-- What the Alerts page of the studio shows: how many wait, by severity and state, and the newest of those asked for.
-- p_status: open, acknowledged, silenced (not resolved, key silenced), resolved; null = all that are not resolved.
-- p_before_at, p_before_id: `next` of the page before. Bounded: reads the not resolved (few), and looks for a page through
-- 5,000 alerts at most; a page with room left and a `next` means that more has to be looked through, from there on.
create or replace function public.list_alerts(
  p_status text, p_severity text, p_client_id uuid, p_search text, p_before_at timestamptz, p_before_id uuid, p_limit integer
) returns jsonb
language sql stable security definer set search_path = '' as $$
  with waiting as (
    select a.severity, case when s.dedupe_key is not null then 'silenced' else a.status end as state
      from public.alerts a
      left join public.alert_silences s on s.dedupe_key = a.dedupe_key and s.silenced_until > clock_timestamp()
      where a.status <> 'resolved'
  ), looked_at as (
    -- each with a condition that its index has, whatever is asked for
    (select a.* from public.alerts a
      where a.status <> 'resolved' and p_status is distinct from 'resolved'
        and (a.last_at, a.id) < (coalesce(p_before_at, 'infinity'), coalesce(p_before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
      order by a.last_at desc, a.id desc limit 5000)
    union all
    (select a.* from public.alerts a
      where a.status = 'resolved' and p_status = 'resolved'
        and (a.last_at, a.id) < (coalesce(p_before_at, 'infinity'), coalesce(p_before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
      order by a.last_at desc, a.id desc limit 5000)
  ), page as (
    select a.* from looked_at a
      where (p_status is null or p_status = 'resolved' or p_status = (case
          when exists (select from public.alert_silences s where s.dedupe_key = a.dedupe_key and s.silenced_until > clock_timestamp())
          then 'silenced' else a.status end))
        and (p_severity is null or a.severity = p_severity)
        and (p_client_id is null or a.client_id = p_client_id)
        and (p_search is null or position(lower(p_search) in lower(a.message)) > 0 or position(lower(p_search) in a.kind) > 0)
      order by a.last_at desc, a.id desc
      limit least(p_limit, 200)
  )
  select jsonb_build_object(
    'critical', (select count(*) from waiting where severity = 'critical' and state = 'open'),
    'warning', (select count(*) from waiting where severity = 'warning' and state = 'open'),
    'info', (select count(*) from waiting where severity = 'info' and state = 'open'),
    'acknowledged', (select count(*) from waiting where state = 'acknowledged'),
    'silenced', (select count(*) from waiting where state = 'silenced'),
    'next', case
      when (select count(*) from page) = least(p_limit, 200)
        then (select jsonb_build_object('at', last_at, 'id', id) from page order by last_at, id limit 1)
      when (select count(*) from looked_at) = 5000
        then (select jsonb_build_object('at', last_at, 'id', id) from looked_at order by last_at, id limit 1) end,
    'alerts', coalesce((select jsonb_agg(public.alert_view(row(p.*)::public.alerts) order by p.last_at desc, p.id desc)
      from page p), '[]'))
$$;
revoke all on function public.list_alerts from public;
grant execute on function public.list_alerts to studio;
