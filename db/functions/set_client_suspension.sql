-- Suspends a merchant, which refuses its new payments from this commit on, or releases it, with a reason. A disabled merchant is
-- neither.
-- Locks: the client. Errors: LS022 no_such_client, LS044 reason_needed, LS085 client_status_differs.
create or replace function public.set_client_suspension(p_client_id uuid, p_suspend boolean, p_reason text, p_actor text)
returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_status text;
  v_to constant text := case when p_suspend then 'suspended' else 'active' end;
begin
  if coalesce(length(trim(p_reason)), 0) = 0 then
    raise exception using errcode = 'LS044', message = 'say why', hint = 'The reason is kept in the audit trail.';
  end if;
  select status into v_status from public.clients where id = p_client_id for no key update;
  if not found then
    raise exception using errcode = 'LS022', message = 'no such client', detail = coalesce(p_client_id::text, 'null');
  end if;
  if v_status <> (case when p_suspend then 'active' else 'suspended' end) then
    raise exception using errcode = 'LS085', message = format('this merchant is %s', v_status), detail = v_status,
      hint = 'Somebody has changed it meanwhile. Reload.';
  end if;
  perform set_config('app.actor', coalesce(p_actor, ''), true);
  update public.clients set status = v_to where id = p_client_id;
  perform public.record_audit(p_actor, case when p_suspend then 'suspend_client' else 'release_client' end, 'clients', p_client_id::text,
    jsonb_build_object('status', v_to, 'reason', left(trim(p_reason), 500)));
  return v_to;
end
$$;
revoke all on function public.set_client_suspension from public;
grant execute on function public.set_client_suspension to studio;
