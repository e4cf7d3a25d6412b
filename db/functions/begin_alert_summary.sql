-- What a channel was spared while there was too much to say: how many messages were held, by severity and by kind, and the
-- first five. Null when none is. Bounded: at most 5,000 at a time.
create or replace function public.begin_alert_summary(p_channel text) returns jsonb
language sql stable security definer set search_path = '' as $$
  with held as (
    select m.id, m.occasion, a.kind, a.severity, a.message, a.status
      from (select * from public.alert_messages where channel = p_channel and status = 'held' order by id limit 5000) m
      join public.alerts a on a.id = m.alert_id
  )
  select jsonb_build_object('message_ids', jsonb_agg(id order by id), 'held', count(*),
      'resolved', count(*) filter (where status = 'resolved'),
      'critical', count(*) filter (where severity = 'critical'), 'warning', count(*) filter (where severity = 'warning'),
      'info', count(*) filter (where severity = 'info'),
      'kinds', (select jsonb_object_agg(kind, n) from (select kind, count(*) as n from held group by kind) k),
      'first', (select jsonb_agg(message) from (select message from held order by severity = 'critical' desc, id limit 5) f))
    from held having count(*) > 0
$$;
revoke all on function public.begin_alert_summary from public;
grant execute on function public.begin_alert_summary to jobs;
