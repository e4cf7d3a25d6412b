-- Trigger of directus_sessions: keeps since when a session is there and when it was last used, under its token's SHA-256. A session
-- that ends before its time, whatever ends it, takes the person's tokens with it that name no session.
create or replace function public.follow_studio_session() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' then
    insert into public.studio_session_uses (session, user_id)
      values (sha256(convert_to(new.token, 'UTF8')), new."user")
      on conflict (session) do update set last_used_at = now();
  elsif tg_op = 'UPDATE' then
    -- Renewed: under a new token in its place, or with a successor that is inserted next.
    update public.studio_session_uses
      set session = sha256(convert_to(coalesce(new.next_token, new.token), 'UTF8')), last_used_at = now()
      where session = sha256(convert_to(old.token, 'UTF8'));
  else
    delete from public.studio_session_uses where session = sha256(convert_to(old.token, 'UTF8'));
    if old."user" is not null and old.next_token is null and old.expires > now() then
      insert into public.studio_token_floors (user_id, valid_from) values (old."user", clock_timestamp())
        on conflict (user_id) do update set valid_from = excluded.valid_from;
    end if;
  end if;
  return null;
end
$$;
revoke all on function public.follow_studio_session from public;
grant execute on function public.follow_studio_session to studio;
