-- Their callers call first_uuid_at.
drop function if exists public.uuid_at(timestamptz);
drop function if exists public.first_id_at(timestamptz);
