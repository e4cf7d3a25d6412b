-- A merchant's salt and webhook secret (ciphertexts), for a person who may see them; each reading is audited.
-- Errors: LS022 no_such_client.
create or replace function public.read_client_secrets(p_client_id uuid, p_actor text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_secrets jsonb;
begin
  select jsonb_build_object('client_key', client_key, 'client_salt', client_salt, 'webhook_secret', webhook_secret)
    into v_secrets from public.clients where id = p_client_id;
  if not found then
    raise exception using errcode = 'LS022', message = 'no such client', detail = p_client_id::text;
  end if;
  perform public.record_audit(p_actor, 'reveal_secrets', 'clients', p_client_id::text, null);
  return v_secrets;
end
$$;
revoke all on function public.read_client_secrets from public;
grant execute on function public.read_client_secrets to studio;
