-- Writes a message and the job that sends it, in the caller's transaction; the caller has checked template and variables.
-- Null when p_dedupe_key was used before. A message without a number, or to a merchant who opted out, is the caller's to
-- refuse: here it has both.
create or replace function public.enqueue_whatsapp(
  p_client_id uuid, p_template text, p_language text, p_variables jsonb, p_recipient text, p_cause text, p_actor text,
  p_dedupe_key text default null, p_resend_of uuid default null
) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  v_id uuid;
begin
  insert into public.whatsapp_notifications (client_id, template, language, variables, recipient, cause, requested_by,
      dedupe_key, resend_of, next_attempt_at)
    values (p_client_id, p_template, p_language, p_variables, p_recipient, p_cause, p_actor, p_dedupe_key, p_resend_of, now())
    on conflict on constraint whatsapp_notifications_dedupe_key_key do nothing
    returning id into v_id;
  if v_id is not null then
    perform graphile_worker.add_job('send_whatsapp', json_build_object('notification_id', v_id), max_attempts => 4,
      job_key => 'send_whatsapp:' || v_id);
  end if;
  return v_id;
end
$$;
revoke all on function public.enqueue_whatsapp from public;
