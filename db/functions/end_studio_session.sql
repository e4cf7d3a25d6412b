-- Ends sessions of a person of the studio, audited. p_session is the hexadecimal SHA-256 of the session's token; null ends all
-- of them but p_except. Answers how many there were. Runs with the rights of the studio, whose tables these are.
create or replace function public.end_studio_session(
  p_user_id uuid, p_session text, p_except text, p_actor text, p_reason text
) returns integer
language plpgsql security invoker set search_path = '' as $$
declare
  v_ended integer;
begin
  delete from directus.directus_sessions
    where "user" = p_user_id
      and (p_session is null or sha256(convert_to(token, 'UTF8')) = decode(p_session, 'hex'))
      and (p_except is null or sha256(convert_to(token, 'UTF8')) <> decode(p_except, 'hex'));
  get diagnostics v_ended = row_count;
  if v_ended > 0 then
    perform public.record_audit(p_actor, 'end_session', 'directus_users', p_user_id::text,
      jsonb_build_object('sessions', v_ended, 'reason', p_reason));
  end if;
  return v_ended;
end
$$;
revoke all on function public.end_studio_session from public;
grant execute on function public.end_studio_session to studio;
