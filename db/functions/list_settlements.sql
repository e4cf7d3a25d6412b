-- Settlements, newest day first; each filter may be null. p_search: the PSP's id or the UTR. p_before_day and p_before_id: of the
-- last row before. Open differences are counted for the page's rows, up to 1,000 each.
create or replace function public.list_settlements(
  p_gateway_id uuid, p_client_id uuid, p_from date, p_to date, p_search text, p_before_day date, p_before_id uuid, p_limit integer
) returns setof jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  return query execute format(
    'select public.settlement_view(p) from (select s.* from public.settlements s where true%s order by s.settled_on desc, s.id desc limit %s) p
      order by p.settled_on desc, p.id desc',
    concat(
      case when p_gateway_id is not null then format(' and s.gateway_id = %L', p_gateway_id) end,
      case when p_client_id is not null then format(' and s.gateway_id in (select g.id from public.payment_gateways g where g.client_id = %L)', p_client_id) end,
      case when p_from is not null then format(' and s.settled_on >= %L', p_from) end,
      case when p_to is not null then format(' and s.settled_on <= %L', p_to) end,
      case when p_search is not null then format(' and (s.utr = %1$L or s.psp_settlement_id = %1$L)', p_search) end,
      case when p_before_id is not null then format(' and (s.settled_on, s.id) < (%L, %L)', p_before_day, p_before_id) end),
    least(p_limit, 5001));
end
$$;
revoke all on function public.list_settlements from public;
grant execute on function public.list_settlements to studio;
