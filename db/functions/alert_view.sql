-- An alert as the studio shows it.
create or replace function public.alert_view(a public.alerts) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('id', a.id, 'kind', a.kind, 'severity', a.severity, 'status', a.status, 'message', a.message,
    'details', a.details, 'client_id', a.client_id, 'client', (select company_name from public.clients where id = a.client_id),
    'count', a.count, 'first_at', public.iso_time(a.first_at), 'last_at', public.iso_time(a.last_at),
    'notified_at', public.iso_time(a.notified_at), 'acknowledged_at', public.iso_time(a.acknowledged_at),
    'acknowledged_by', a.acknowledged_by, 'resolved_at', public.iso_time(a.resolved_at), 'resolved_by', a.resolved_by,
    'note', a.note, 'silence', (select jsonb_build_object('until', public.iso_time(s.silenced_until), 'by', s.silenced_by,
        'reason', s.reason)
      from public.alert_silences s where s.dedupe_key = a.dedupe_key and s.silenced_until > clock_timestamp()))
$$;
revoke all on function public.alert_view from public;
