-- Keeps an image that an operator uploaded for a client's payment page; it counts once clients.logo_sha256 names it. The
-- newest five of a client stay, and the one in force. Answers its hash. Audited.
-- Errors: LS022 no_such_client.
create or replace function public.store_client_logo(p_client_id uuid, p_media_type text, p_content bytea, p_actor text) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_sha256 constant text := encode(sha256(p_content), 'hex');
begin
  if not exists (select from public.clients where id = p_client_id) then
    raise exception using errcode = 'LS022', message = 'no such client', detail = p_client_id::text;
  end if;
  insert into public.client_logos (client_id, sha256, media_type, content) values (p_client_id, v_sha256, p_media_type, p_content)
    on conflict (client_id, sha256) do update set created_at = now();
  delete from public.client_logos l
    where l.client_id = p_client_id and l.sha256 is distinct from (select logo_sha256 from public.clients where id = p_client_id)
      and l.sha256 not in (select sha256 from public.client_logos where client_id = p_client_id order by created_at desc, sha256 limit 5);
  perform public.record_audit(p_actor, 'upload_logo', 'clients', p_client_id::text,
    jsonb_build_object('sha256', v_sha256, 'media_type', p_media_type, 'bytes', octet_length(p_content)));
  return v_sha256;
end
$$;
revoke all on function public.store_client_logo from public;
grant execute on function public.store_client_logo to studio;
