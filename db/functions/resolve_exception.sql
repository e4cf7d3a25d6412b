-- A person closes an exception: p_resolution psp_corrects (the PSP will put it right), corrected (it was put right with us),
-- accepted (the difference stays) or not_ours. Nothing else is changed: whatever has to be done to a payment is done there.
-- The reason is kept. Audited.
-- Errors: LS250 no_such_exception, LS251 exception_is_resolved, LS044 reason_needed.
-- Locks: the exception.
create or replace function public.resolve_exception(p_exception_id uuid, p_resolution text, p_reason text, p_actor text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := coalesce(nullif(p_actor, ''), session_user);
  v_exception public.reconciliation_exceptions;
begin
  if coalesce(btrim(p_reason), '') = '' or p_resolution is null or p_resolution = 'explained' then
    raise exception using errcode = 'LS044', message = 'say why', hint = 'The reason is kept with the difference.';
  end if;
  select * into v_exception from public.reconciliation_exceptions where id = p_exception_id for update;
  if not found then
    raise exception using errcode = 'LS250', message = 'no such difference', detail = coalesce(p_exception_id::text, 'null');
  end if;
  if v_exception.status <> 'open' then
    raise exception using errcode = 'LS251', message = 'this difference is resolved already', detail = v_exception.resolution_reason;
  end if;
  update public.reconciliation_exceptions set status = 'resolved', resolution = p_resolution, resolution_reason = btrim(p_reason),
      resolved_by = v_actor, resolved_at = now(), owner = coalesce(owner, v_actor)
    where id = p_exception_id returning * into v_exception;
  perform public.record_audit(p_actor, 'resolve_exception', 'reconciliation_exceptions', p_exception_id::text,
    jsonb_build_object('kind', v_exception.kind, 'resolution', p_resolution, 'reason', btrim(p_reason),
      'expected', v_exception.expected, 'stated', v_exception.stated));
  return public.exception_view(v_exception);
end
$$;
revoke all on function public.resolve_exception from public;
grant execute on function public.resolve_exception to studio;
