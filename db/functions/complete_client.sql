-- Gives a new client its wallet and its usage row, keeps old keys for inbound webhooks, and tells every process that
-- cached the client (channel client_changed, payload client id) when it changes.
-- Errors: LS011 key_was_used_before.
create or replace function public.complete_client() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' or new.client_key <> old.client_key then
    if exists (select from public.retired_client_keys where client_key = new.client_key) then
      raise exception using errcode = 'LS011', message = 'this client key was used before',
        hint = 'Generate a new random key.';
    end if;
  end if;
  if tg_op = 'INSERT' then
    insert into public.wallets (client_id) values (new.id);
    insert into public.client_usage (client_id) values (new.id);
  else
    if new.client_key <> old.client_key then
      insert into public.retired_client_keys (client_key, client_id) values (old.client_key, old.id);
    end if;
    perform pg_notify('client_changed', new.id::text);
  end if;
  return null;
end
$$;
create or replace trigger clients_complete after insert or update on public.clients
  for each row execute function public.complete_client();
