-- One message with its text, its attempts and the messages that repeat it, for the studio; null when there is none.
create or replace function public.read_whatsapp(p_notification_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select to_jsonb(n) || jsonb_build_object(
      'company_name', c.company_name,
      'text', (select public.whatsapp_text(t, n.variables) from public.whatsapp_templates t
        where t.name = n.template and t.language = n.language),
      'attempts_made', coalesce((select jsonb_agg(to_jsonb(a) - 'id' - 'notification_id' order by a.attempt_no)
        from public.whatsapp_attempts a where a.notification_id = n.id), '[]'),
      'resent_as', coalesce((select jsonb_agg(jsonb_build_object('id', r.id, 'status', r.status, 'created_at', r.created_at) order by r.id)
        from public.whatsapp_notifications r where r.client_id = n.client_id and r.id > n.id and r.resend_of = n.id), '[]'))
    from public.whatsapp_notifications n join public.clients c on c.id = n.client_id
    where n.id = p_notification_id
$$;
revoke all on function public.read_whatsapp from public;
grant execute on function public.read_whatsapp to studio;
