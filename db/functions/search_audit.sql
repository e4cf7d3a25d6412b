-- A page of the audit trail, newest first: {entries, next}. p_before: `next` of the page before; p_from inclusive, p_to
-- exclusive. Bounded whatever is asked for: one condition, the one that leaves least, is read through its index (each ends in
-- the id; ids are of version 7, so dates become a range of them), at most 20,000 entries of it, and the others are tried on
-- those. A page with room left and a `next` means that more has to be looked through, from there on.
create or replace function public.search_audit(
  p_actor text, p_action text, p_table_name text, p_row_id text, p_from timestamptz, p_to timestamptz, p_before uuid, p_limit integer
) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_most constant integer := 20000;
  v_limit constant integer := least(greatest(p_limit, 1), 1000);
  v_tables text[];
  v_answer jsonb;
begin
  if p_row_id is not null and p_table_name is null then
    v_tables := array(select jsonb_array_elements_text(public.list_audit_facets() -> 'tables'));
  end if;
  execute 'with looked_at as (
      select * from public.audit_log where '
    || case
      when p_table_name is not null and p_row_id is not null then 'table_name = $3 and row_id = $4'
      when p_row_id is not null then 'table_name = any ($10) and row_id = $4'
      when p_actor is not null then 'actor = $1'
      when p_action is not null then 'action = $2'
      when p_table_name is not null then 'table_name = $3'
      else 'true' end
    || case when p_from is not null then ' and id >= public.first_uuid_at($5)' else '' end
    -- the id is made when the entry is written, created_at is when its transaction began
    || case when p_to is not null then ' and id < public.first_uuid_at($6 + interval ''1 hour'')' else '' end
    || case when p_before is not null then ' and id < $7' else '' end
    || ' order by id desc limit $9
    ), page as (
      select * from looked_at where true'
    || case when p_actor is not null then ' and actor = $1' else '' end
    || case when p_action is not null then ' and action = $2' else '' end
    || case when p_table_name is not null then ' and table_name = $3' else '' end
    || case when p_row_id is not null then ' and row_id = $4' else '' end
    || case when p_from is not null then ' and created_at >= $5' else '' end
    || case when p_to is not null then ' and created_at < $6' else '' end
    || ' order by id desc limit $8
    )
    select jsonb_build_object(
      ''entries'', coalesce((select jsonb_agg(public.audit_view(row(p.*)::public.audit_log) order by p.id desc) from page p), ''[]''),
      ''next'', case
        when (select count(*) from page) = $8 then (select id from page order by id limit 1)
        when (select count(*) from looked_at) = $9 then (select id from looked_at order by id limit 1) end)'
    into v_answer
    using p_actor, p_action, p_table_name, p_row_id, p_from, p_to, p_before, v_limit, v_most, v_tables;
  return v_answer;
end
$$;
revoke all on function public.search_audit from public;
grant execute on function public.search_audit to studio;
