-- The least uuid of version 7 of a moment (to the millisecond): ids from then on are greater or equal.
create or replace function public.first_uuid_at(p_time timestamptz) returns uuid
language sql immutable set search_path = '' as $$
  select (lpad(to_hex(floor(extract(epoch from p_time) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;
revoke all on function public.first_uuid_at from public;
