-- Who, what and which tables the audit trail knows, each value found by one step through its index, so that millions of entries
-- cost as much as their distinct values.
create or replace function public.list_audit_facets() returns jsonb
language sql stable security definer set search_path = '' as $$
  with recursive actors as (
    select min(actor) as value from public.audit_log
    union all
    select (select min(actor) from public.audit_log where actor > value) from actors where value is not null
  ), actions as (
    select min(action) as value from public.audit_log
    union all
    select (select min(action) from public.audit_log where action > value) from actions where value is not null
  ), tables as (
    select min(table_name) as value from public.audit_log
    union all
    select (select min(table_name) from public.audit_log where table_name > value) from tables where value is not null
  )
  select jsonb_build_object(
    'actors', coalesce((select jsonb_agg(value) from (select value from actors where value is not null limit 500) a), '[]'),
    'actions', coalesce((select jsonb_agg(value) from actions where value is not null), '[]'),
    'tables', coalesce((select jsonb_agg(value) from tables where value is not null), '[]'))
$$;
revoke all on function public.list_audit_facets from public;
grant execute on function public.list_audit_facets to studio;
