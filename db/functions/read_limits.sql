-- Plans with how many merchants are on each, and what one address may do: for the page of the studio where both are changed.
create or replace function public.read_limits() returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object(
    'plans', (select coalesce(jsonb_agg(to_jsonb(p) || jsonb_build_object('merchants',
        (select count(*) from public.clients c where c.rate_plan = p.name)) order by p.requests_per_minute, p.name), '[]')
      from public.rate_plans p),
    'addresses', (select to_jsonb(a) - 'id' from public.address_policy a))
$$;
revoke all on function public.read_limits from public;
grant execute on function public.read_limits to studio;
