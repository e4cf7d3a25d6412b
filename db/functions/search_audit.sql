-- A page of the audit trail, newest first. p_before: id of the last entry of the page before; p_from inclusive, p_to exclusive.
-- The statement is made of the conditions asked for, so that each combination gets a plan of its own: ids are of version 7,
-- so dates become a range of ids, and every filter has an index that ends in the id. Reads p_limit entries, and what has
-- to be passed over where two filters seldom meet.
create or replace function public.search_audit(
  p_actor text, p_action text, p_table_name text, p_row_id text, p_from timestamptz, p_to timestamptz, p_before uuid, p_limit integer
) returns setof public.audit_log
language plpgsql stable security definer set search_path = '' as $$
begin
  return query execute 'select * from public.audit_log where true'
    || case when p_actor is not null then ' and actor = $1' else '' end
    || case when p_action is not null then ' and action = $2' else '' end
    || case when p_table_name is not null then ' and table_name = $3' else '' end
    || case when p_row_id is not null then ' and row_id = $4' else '' end
    || case when p_from is not null then ' and id >= public.uuid_at($5) and created_at >= $5' else '' end
    -- the id is made when the entry is written, created_at is when its transaction began
    || case when p_to is not null then ' and id < public.uuid_at($6 + interval ''1 hour'') and created_at < $6' else '' end
    || case when p_before is not null then ' and id < $7' else '' end
    || ' order by id desc limit $8'
    using p_actor, p_action, p_table_name, p_row_id, p_from, p_to, p_before, p_limit;
end
$$;
revoke all on function public.search_audit from public;
grant execute on function public.search_audit to studio;
