-- The least uuid of version 7 that can have been made at a moment (to the millisecond): ids are in the order of time, so those of
-- rows made then or later are not less, and those of rows made before are.
create or replace function public.first_uuid_at(p_time timestamptz) returns uuid
language sql immutable parallel safe set search_path = '' as $$
  select (lpad(to_hex(floor(extract(epoch from p_time) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;
revoke all on function public.first_uuid_at from public;
