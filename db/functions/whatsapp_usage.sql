-- Messages of the last p_days days (of India, today included) by template and day: {days: [date …], templates: [{template, messages,
-- delivered, failed, unknown, skipped, by_day: [count …]}]}. delivered counts what was read too. Read from one index, day by day: to find out
-- each message's day would cost more than to count it.
create or replace function public.whatsapp_usage(p_days integer default 30) returns jsonb
language sql stable security definer set search_path = '' as $$
  with days as (
    select d::date as day, d at time zone 'Asia/Kolkata' as begins_at, (d + interval '1 day') at time zone 'Asia/Kolkata' as ends_at
      from (select (now() at time zone 'Asia/Kolkata')::date as today) at
      cross join generate_series((today - (least(p_days, 92) - 1))::timestamp, today::timestamp, interval '1 day') d
  ), counted as (
    select n.template, days.day, n.status, n.messages
      from days cross join lateral (select template, status, count(*) as messages
        from public.whatsapp_notifications where created_at >= begins_at and created_at < ends_at
        group by 1, 2) n
  ), names as (
    select template, sum(messages) as messages,
        coalesce(sum(messages) filter (where status in ('delivered', 'read')), 0) as delivered,
        coalesce(sum(messages) filter (where status = 'failed'), 0) as failed,
        coalesce(sum(messages) filter (where status = 'unknown'), 0) as unknown,
        coalesce(sum(messages) filter (where status = 'skipped'), 0) as skipped
      from counted group by 1
  )
  select jsonb_build_object('days', (select jsonb_agg(day order by day) from days),
    'templates', coalesce((select jsonb_agg(jsonb_build_object('template', n.template, 'messages', n.messages, 'delivered', n.delivered,
        'failed', n.failed, 'unknown', n.unknown, 'skipped', n.skipped,
        'by_day', (select jsonb_agg(coalesce((select sum(messages) from counted c where c.template = n.template and c.day = days.day), 0) order by days.day) from days))
        order by n.messages desc, n.template) from names n), '[]'))
$$;
revoke all on function public.whatsapp_usage from public;
grant execute on function public.whatsapp_usage to studio;
