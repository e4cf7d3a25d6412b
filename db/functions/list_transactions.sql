-- A merchant's transactions, newest first (ids sort by time), one page after p_starting_after. One row more than p_limit
-- comes back when there are more. Planned for each call: which index serves depends on the filters given.
create or replace function public.list_transactions(
  p_client_id uuid, p_limit integer, p_starting_after uuid, p_order_id text, p_status text,
  p_created_gte timestamptz, p_created_lt timestamptz
) returns table (view jsonb)
language sql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
  select public.transaction_view(t)
    from public.transactions t
    where t.client_id = p_client_id
      and (p_starting_after is null or t.id < p_starting_after)
      and (p_order_id is null or t.order_id = p_order_id)
      and (p_status is null or t.status = p_status)
      and (p_created_gte is null or t.created_at >= p_created_gte)
      and (p_created_lt is null or t.created_at < p_created_lt)
    order by t.id desc
    limit p_limit + 1
$$;
revoke all on function public.list_transactions from public;
grant execute on function public.list_transactions to checkout;
