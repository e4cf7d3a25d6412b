-- Puts a message that was certainly not sent back into the queue, after 5, 20 and 80 s with up to 20 % jitter or what the
-- provider asks for if that is longer; after its fourth try it has failed. In the caller's transaction, which holds the
-- message. Returns its status.
create or replace function public.retry_whatsapp(m public.whatsapp_notifications, p_delay_seconds integer, p_code text, p_message text)
returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_next timestamptz;
begin
  if m.attempts < 4 then
    v_next := clock_timestamp() + interval '1 second'
      * greatest(5 * 4 ^ (m.attempts - 1) * (1 + random() * 0.2), least(coalesce(p_delay_seconds, 0), 21600));
    perform graphile_worker.add_job('send_whatsapp', json_build_object('notification_id', m.id),
      run_at => v_next, max_attempts => 4, job_key => 'send_whatsapp:' || m.id);
  end if;
  update public.whatsapp_notifications set status = case when v_next is null then 'failed' else 'queued' end,
      next_attempt_at = v_next, error_code = p_code, error_message = p_message, provider_message_id = null,
      accepted_at = null, sent_at = null, updated_at = now()
    where id = m.id;
  return case when v_next is null then 'failed' else 'queued' end;
end
$$;
revoke all on function public.retry_whatsapp from public;
