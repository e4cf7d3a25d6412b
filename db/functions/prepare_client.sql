-- Keeps a client's derived columns true: updated_at.
create or replace function public.prepare_client() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end
$$;
create or replace trigger clients_prepare before update on public.clients
  for each row execute function public.prepare_client();
