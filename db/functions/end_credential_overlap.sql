-- Ends the overlap of a merchant's credentials: the pair before is refused from this commit on. Audited; without an overlap
-- nothing happens.
-- Errors: LS022 no_such_client, LS044 reason_needed.
create or replace function public.end_credential_overlap(p_client_id uuid, p_reason text, p_actor text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_key text;
begin
  if coalesce(p_reason, '') = '' then
    raise exception using errcode = 'LS044', message = 'ending the overlap needs a reason', hint = 'Write why; it is kept in the audit log.';
  end if;
  select previous_client_key into v_key from public.clients where id = p_client_id for update;
  if not found then
    raise exception using errcode = 'LS022', message = 'no such client', detail = p_client_id::text;
  elsif v_key is null then
    return;
  end if;
  perform set_config('app.actor', p_actor, true);
  update public.clients set previous_client_key = null, previous_client_salt = null, previous_credentials_until = null
    where id = p_client_id;
  perform public.record_audit(p_actor, 'end_credential_overlap', 'clients', p_client_id::text,
    jsonb_build_object('client_key', v_key, 'reason', p_reason));
end
$$;
revoke all on function public.end_credential_overlap from public;
grant execute on function public.end_credential_overlap to studio;
