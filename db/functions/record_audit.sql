-- Writes one line of the audit trail that no change of a row would write (a secret revealed, a key regenerated).
-- p_actor is the person; the address is theirs where the session says it (app.address), else the connection's. The database
-- role is recorded beside them and cannot be chosen.
create or replace function public.record_audit(p_actor text, p_action text, p_table text, p_row_id text, p_details jsonb)
returns void
language sql security definer set search_path = '' as $$
  insert into public.audit_log (actor, database_role, address, action, table_name, row_id, after)
  values (coalesce(nullif(p_actor, ''), session_user), session_user,
    coalesce(nullif(current_setting('app.address', true), ''), host(inet_client_addr())), p_action, p_table, p_row_id, p_details)
$$;
revoke all on function public.record_audit from public;
grant execute on function public.record_audit to studio;
