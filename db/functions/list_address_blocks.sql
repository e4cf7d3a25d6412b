-- Addresses that are blocked now, and those that were within a week: the newest 200.
create or replace function public.list_address_blocks() returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', b.id, 'address', host(b.address), 'reason', b.reason, 'count', b.count,
      'blocked_at', public.iso_time(b.blocked_at), 'blocked_until', public.iso_time(b.blocked_until),
      'is_blocked', b.lifted_at is null and b.blocked_until > now(), 'lifted_at', public.iso_time(b.lifted_at),
      'lifted_by', b.lifted_by, 'lift_reason', b.lift_reason) order by b.id desc), '[]')
    from (select * from public.address_blocks where blocked_at > now() - interval '7 days' order by id desc limit 200) b
$$;
revoke all on function public.list_address_blocks from public;
grant execute on function public.list_address_blocks to studio;
