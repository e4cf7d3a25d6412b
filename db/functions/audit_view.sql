-- An entry of the audit trail as the studio shows it.
create or replace function public.audit_view(e public.audit_log) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('id', e.id, 'actor', e.actor, 'database_role', e.database_role, 'address', e.address,
    'action', e.action, 'table_name', e.table_name, 'row_id', e.row_id, 'before', e.before, 'after', e.after,
    'created_at', public.iso_time(e.created_at))
$$;
revoke all on function public.audit_view from public;
grant execute on function public.audit_view to studio;
