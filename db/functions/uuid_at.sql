-- The lowest uuidv7 of a time: rows whose ids are of this kind and not lower were made then or later.
create or replace function public.uuid_at(p_time timestamptz) returns uuid
language sql immutable parallel safe set search_path = '' as $$
  select (lpad(to_hex((extract(epoch from p_time) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;
revoke all on function public.uuid_at from public;
