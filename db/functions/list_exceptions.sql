-- Differences between our books and the PSPs' reports, the oldest first while they are open and the newest first once resolved;
-- each filter may be null. p_owner: a person's id, or nobody. p_min_days: open for at least so many days. p_after: the id of the
-- last row before. Walks partial indexes of the open ones in id order, by kind, gateway or owner.
create or replace function public.list_exceptions(
  p_status text, p_kind text, p_gateway_id uuid, p_client_id uuid, p_owner text, p_min_days integer, p_after uuid, p_limit integer
) returns setof jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  -- A plan of its own for the filters that are given: one plan for all would walk every row.
  return query execute format(
    'select public.exception_view(e) from (select x.* from public.reconciliation_exceptions x where x.status = %L%s order by x.id %s limit %s) e order by e.id %s',
    p_status,
    concat(
      case when p_kind is not null then format(' and x.kind = %L', p_kind) end,
      case when p_gateway_id is not null then format(' and x.gateway_id = %L', p_gateway_id) end,
      case when p_client_id is not null then format(' and x.client_id = %L', p_client_id) end,
      case when p_owner = 'nobody' then ' and x.owner is null' when p_owner is not null then format(' and x.owner = %L', p_owner) end,
      case when p_min_days is not null then format(' and x.id < %L', public.first_uuid_at(now() - p_min_days * interval '1 day')) end,
      case when p_after is not null then format(' and x.id %s %L', case p_status when 'open' then '>' else '<' end, p_after) end),
    case p_status when 'open' then 'asc' else 'desc' end, least(p_limit, 5001), case p_status when 'open' then 'asc' else 'desc' end);
end
$$;
revoke all on function public.list_exceptions from public;
grant execute on function public.list_exceptions to studio;
