-- Keeps a merchant's first endpoint in step with clients.webhook_url, whoever changes it: a new address begins with no past
-- (not disabled, not resting), none removes the endpoint. Its filter stays.
create or replace function public.sync_first_webhook_endpoint() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.webhook_url is null then
    update public.webhook_endpoints set removed_at = now(), updated_at = now() where id = new.id and removed_at is null;
  else
    update public.webhook_endpoints set url = new.webhook_url, removed_at = null where id = new.id;
    if found then
      perform public.switch_on_endpoint(new.id);
    else
      insert into public.webhook_endpoints (id, client_id, url) values (new.id, new.id, new.webhook_url);
    end if;
  end if;
  return null;
end
$$;
create or replace trigger clients_first_endpoint_added after insert on public.clients
  for each row when (new.webhook_url is not null) execute function public.sync_first_webhook_endpoint();
create or replace trigger clients_first_endpoint_changed after update of webhook_url on public.clients
  for each row when (new.webhook_url is distinct from old.webhook_url) execute function public.sync_first_webhook_endpoint();
