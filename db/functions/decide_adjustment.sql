-- Another person approves a proposed adjustment, which books it, or turns it down with a reason; the proposer may only take it back.
-- Locks: the adjustment, then the client's wallet. Errors: LS084 no_such_adjustment, LS043 already_decided,
-- LS083 second_person_needed, LS044 reason_needed.
create or replace function public.decide_adjustment(p_id uuid, p_approve boolean, p_reason text, p_actor text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := coalesce(nullif(p_actor, ''), session_user);
  v_adjustment public.adjustments;
  v_entry_id uuid;
begin
  select * into v_adjustment from public.adjustments where id = p_id for update;
  if not found then
    raise exception using errcode = 'LS084', message = 'no such adjustment', detail = coalesce(p_id::text, 'null');
  end if;
  if v_adjustment.status <> 'proposed' then
    raise exception using errcode = 'LS043', message = 'this adjustment is decided already', detail = v_adjustment.status;
  end if;
  if p_approve and v_adjustment.proposed_by = v_actor then
    raise exception using errcode = 'LS083', message = 'another person has to approve this',
      hint = 'Ask somebody else of finance, or an administrator.';
  end if;
  if not coalesce(p_approve, false) and coalesce(length(trim(p_reason)), 0) = 0 then
    raise exception using errcode = 'LS044', message = 'say why', hint = 'The reason is kept in the audit trail.';
  end if;
  if p_approve then
    select id into v_entry_id
      from public.book_entry(v_adjustment.client_id, 'ADJUSTMENT', v_adjustment.amount, v_adjustment.reason);
  end if;
  update public.adjustments set
      status = case when p_approve then 'approved' when proposed_by = v_actor then 'withdrawn' else 'rejected' end,
      decided_by = v_actor, decided_at = clock_timestamp(), decision_reason = left(nullif(trim(p_reason), ''), 500), entry_id = v_entry_id
    where id = p_id
    returning * into v_adjustment;
  perform public.record_audit(p_actor, 'decide_adjustment', 'wallets', v_adjustment.client_id::text, to_jsonb(v_adjustment));
  return public.adjustment_view(v_adjustment);
end
$$;
revoke all on function public.decide_adjustment from public;
grant execute on function public.decide_adjustment to studio;
