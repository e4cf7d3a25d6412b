-- Keeps a client's derived columns true: updated_at, and a webhook endpoint that was disabled by a 410 is
-- tried again once its address was changed.
create or replace function public.prepare_client() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.updated_at := now();
  if new.webhook_url is distinct from old.webhook_url then
    new.webhook_disabled_at := null;
  end if;
  return new;
end
$$;
create or replace trigger clients_prepare before update on public.clients
  for each row execute function public.prepare_client();
