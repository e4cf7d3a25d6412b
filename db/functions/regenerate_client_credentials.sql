-- Gives a merchant a new key, salt and webhook secret (ciphertexts made by the application). With p_overlap_hours = 0 the old
-- pair is refused from this commit on; else both pairs are valid for so long (at most a week), and a pair still older dies
-- now. PSP webhooks to an old address are still accepted. p_webhook_secret null keeps the webhook secret. Audited with the
-- person's id and reason. Returns until when the old pair is valid; null = it is dead.
-- Errors: LS022 no_such_client, LS011 key_was_used_before, LS044 reason_needed, LS140 invalid_overlap.
create or replace function public.regenerate_client_credentials(
  p_client_id uuid, p_client_key text, p_client_salt text, p_webhook_secret text, p_overlap_hours integer, p_reason text, p_actor text
) returns timestamptz
language plpgsql security definer set search_path = '' as $$
declare
  v_until timestamptz;
begin
  if p_overlap_hours is null or p_overlap_hours not between 0 and 168 then
    raise exception using errcode = 'LS140', message = 'the old pair can stay valid for 0 to 168 hours', detail = coalesce(p_overlap_hours::text, 'null');
  elsif coalesce(p_reason, '') = '' then
    raise exception using errcode = 'LS044', message = 'a new key needs a reason', hint = 'Write why; it is kept in the audit log.';
  end if;
  perform set_config('app.actor', p_actor, true);
  v_until := case when p_overlap_hours > 0 then now() + p_overlap_hours * interval '1 hour' end;
  update public.clients set
      previous_client_key = case when v_until is not null then client_key end,
      previous_client_salt = case when v_until is not null then client_salt end,
      previous_credentials_until = v_until,
      client_key = p_client_key, new_client_salt = p_client_salt, new_webhook_secret = p_webhook_secret
    where id = p_client_id;
  if not found then
    raise exception using errcode = 'LS022', message = 'no such client', detail = p_client_id::text;
  end if;
  perform public.record_audit(p_actor, 'regenerate_credentials', 'clients', p_client_id::text,
    jsonb_build_object('client_key', p_client_key, 'overlap_hours', p_overlap_hours, 'reason', p_reason,
      'webhook_secret', case when p_webhook_secret is null then 'kept' else 'replaced' end));
  return v_until;
end
$$;
revoke all on function public.regenerate_client_credentials from public;
grant execute on function public.regenerate_client_credentials to studio;
