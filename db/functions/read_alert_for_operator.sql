-- An alert with what people did about it, newest first; null when there is none.
create or replace function public.read_alert_for_operator(p_alert_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select public.alert_view(a) || jsonb_build_object('history', coalesce((
      select jsonb_agg(jsonb_build_object('at', public.iso_time(h.created_at), 'by', h.actor, 'action', h.action,
          'reason', coalesce(h.after ->> 'reason', h.after ->> 'note'), 'until', h.after ->> 'until') order by h.id desc)
        from (select * from public.audit_log where table_name = 'alerts' and row_id = p_alert_id::text order by id desc limit 50) h), '[]'))
    from public.alerts a where a.id = p_alert_id
$$;
revoke all on function public.read_alert_for_operator from public;
grant execute on function public.read_alert_for_operator to studio;
