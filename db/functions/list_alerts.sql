-- What the Alerts page of the studio shows: how many wait, by severity and state, and the newest of those asked for.
-- p_status: open, acknowledged, silenced (not resolved, key silenced), resolved; null = all that are not resolved.
-- p_before_at, p_before_id: last_at and id of the last row of the page before. Reads the not resolved (few) and one page.
create or replace function public.list_alerts(
  p_status text, p_severity text, p_client_id uuid, p_search text, p_before_at timestamptz, p_before_id uuid, p_limit integer
) returns jsonb
language sql stable security definer set search_path = '' as $$
  with waiting as (
    select a.severity, case when s.dedupe_key is not null then 'silenced' else a.status end as state
      from public.alerts a
      left join public.alert_silences s on s.dedupe_key = a.dedupe_key and s.silenced_until > clock_timestamp()
      where a.status <> 'resolved'
  ), page as (
    select a.* from public.alerts a
      where (case when p_status = 'resolved' then a.status = 'resolved' else a.status <> 'resolved' end)
        and (p_status is null or p_status = 'resolved' or p_status = (case
          when exists (select from public.alert_silences s where s.dedupe_key = a.dedupe_key and s.silenced_until > clock_timestamp())
          then 'silenced' else a.status end))
        and (p_severity is null or a.severity = p_severity)
        and (p_client_id is null or a.client_id = p_client_id)
        and (p_search is null or a.message ilike '%' || p_search || '%' or a.kind ilike '%' || p_search || '%')
        and (p_before_at is null or (a.last_at, a.id) < (p_before_at, p_before_id))
      order by a.last_at desc, a.id desc
      limit least(p_limit, 200) + 1
  )
  select jsonb_build_object(
    'critical', (select count(*) from waiting where severity = 'critical' and state = 'open'),
    'warning', (select count(*) from waiting where severity = 'warning' and state = 'open'),
    'info', (select count(*) from waiting where severity = 'info' and state = 'open'),
    'acknowledged', (select count(*) from waiting where state = 'acknowledged'),
    'silenced', (select count(*) from waiting where state = 'silenced'),
    'has_more', (select count(*) > least(p_limit, 200) from page),
    'alerts', coalesce((select jsonb_agg(public.alert_view(row(p.*)::public.alerts) order by p.last_at desc, p.id desc)
      from (select * from page order by last_at desc, id desc limit least(p_limit, 200)) p), '[]'))
$$;
revoke all on function public.list_alerts from public;
grant execute on function public.list_alerts to studio;
