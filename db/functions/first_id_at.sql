-- The smallest uuidv7 that can have been made at that time: ids of this kind are in the order of time.
create or replace function public.first_id_at(p_at timestamptz) returns uuid
language sql immutable parallel safe as $$
  select (lpad(to_hex(floor(extract(epoch from p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
