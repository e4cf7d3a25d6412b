-- Trigger of directus_users: records who gave or took a person's access. Of password, token and second factor only whether there
-- is one.
create or replace function public.audit_studio_person() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_before jsonb := case when tg_op <> 'INSERT' then jsonb_build_object('email', old.email, 'role', old.role,
    'status', old.status, 'has_token', old.token is not null, 'has_second_factor', old.tfa_secret is not null) end;
  v_after jsonb := case when tg_op <> 'DELETE' then jsonb_build_object('email', new.email, 'role', new.role,
    'status', new.status, 'has_token', new.token is not null, 'has_second_factor', new.tfa_secret is not null) end;
  v_id uuid := case when tg_op = 'DELETE' then old.id else new.id end;
begin
  if tg_op = 'UPDATE' then
    if new.password is distinct from old.password then
      v_after := v_after || '{"password": "(new password)"}';
    end if;
    if v_before = v_after then
      return null;
    end if;
  end if;
  insert into public.audit_log (actor, database_role, address, action, table_name, row_id, before, after)
  values (
    coalesce(nullif(current_setting('app.actor', true), ''), session_user),
    session_user,
    coalesce(nullif(current_setting('app.address', true), ''), host(inet_client_addr())),
    lower(tg_op), tg_table_name, v_id::text, v_before, v_after);
  return null;
end
$$;
revoke all on function public.audit_studio_person from public;
grant execute on function public.audit_studio_person to studio;
