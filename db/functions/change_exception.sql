-- A person looks after an open exception: p_owner (a person's id, null: nobody) and the note are as given. Audited.
-- Errors: LS250 no_such_exception, LS251 exception_is_resolved.
-- Locks: the exception.
create or replace function public.change_exception(p_exception_id uuid, p_owner text, p_note text, p_actor text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_before public.reconciliation_exceptions;
  v_after public.reconciliation_exceptions;
begin
  select * into v_before from public.reconciliation_exceptions where id = p_exception_id for update;
  if not found then
    raise exception using errcode = 'LS250', message = 'no such difference', detail = coalesce(p_exception_id::text, 'null');
  end if;
  if v_before.status <> 'open' then
    raise exception using errcode = 'LS251', message = 'this difference is resolved already', detail = v_before.resolution_reason;
  end if;
  update public.reconciliation_exceptions set owner = nullif(p_owner, ''), note = nullif(btrim(p_note), '')
    where id = p_exception_id returning * into v_after;
  if (v_before.owner, v_before.note) is distinct from (v_after.owner, v_after.note) then
    perform public.record_audit(p_actor, 'change_exception', 'reconciliation_exceptions', p_exception_id::text,
      jsonb_build_object('owner', v_after.owner, 'owner_before', v_before.owner, 'note', v_after.note));
  end if;
  return public.exception_view(v_after);
end
$$;
revoke all on function public.change_exception from public;
grant execute on function public.change_exception to studio;
