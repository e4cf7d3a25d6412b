-- The summary with these messages was sent.
create or replace function public.record_alert_summary(p_message_ids uuid[]) returns void
language sql security definer set search_path = '' as $$
  update public.alert_messages set status = 'sent', is_summarised = true, sent_at = clock_timestamp()
    where id = any (p_message_ids) and status = 'held'
$$;
revoke all on function public.record_alert_summary from public;
grant execute on function public.record_alert_summary to jobs;
