-- Corrects what a merchant owes, with a reason. p_amount in paise, positive raises what is due. Booked at once while this person's
-- adjustments for this merchant within 24 hours add up, signs aside, to no more than company_profile.adjustment_limit; else it waits
-- for a second person (decide_adjustment). p_id is made by who asks: the same again answers with what exists.
-- Locks: the client's wallet. Errors: LS022 no_such_client, LS032 idempotency_key_conflict, LS044 reason_needed,
-- LS089 invalid_ledger_amount.
create or replace function public.propose_adjustment(p_id uuid, p_client_id uuid, p_amount bigint, p_reason text, p_actor text)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := coalesce(nullif(p_actor, ''), session_user);
  v_adjustment public.adjustments;
  v_alone numeric;
  v_needs boolean;
  v_entry_id uuid;
begin
  if coalesce(length(trim(p_reason)), 0) = 0 then
    raise exception using errcode = 'LS044', message = 'say why', hint = 'The reason is kept with the entry and in the audit trail.';
  end if;
  if coalesce(p_amount, 0) = 0 or abs(p_amount) > 999999999999999 then
    raise exception using errcode = 'LS089', message = 'not an amount', hint = 'Enter an amount other than zero.';
  end if;
  perform from public.wallets where client_id = p_client_id for update;
  if not found then
    raise exception using errcode = 'LS022', message = 'no such client', detail = coalesce(p_client_id::text, 'null');
  end if;
  select * into v_adjustment from public.adjustments where id = p_id;
  if found then
    if (v_adjustment.client_id, v_adjustment.amount, v_adjustment.proposed_by) is distinct from (p_client_id, p_amount, v_actor) then
      raise exception using errcode = 'LS032', message = 'this id was used for another adjustment', detail = p_id::text;
    end if;
    return public.adjustment_view(v_adjustment);
  end if;
  select coalesce(sum(abs(amount)), 0) into v_alone from public.adjustments
    where client_id = p_client_id and proposed_by = v_actor and not needs_second_person
      and created_at > now() - interval '1 day';
  v_needs := v_alone + abs(p_amount) > (select adjustment_limit from public.company_profile);
  if not v_needs then
    select id into v_entry_id from public.book_entry(p_client_id, 'ADJUSTMENT', p_amount, left(trim(p_reason), 500));
  end if;
  insert into public.adjustments (id, client_id, amount, reason, needs_second_person, status, proposed_by, decided_at, entry_id)
    values (p_id, p_client_id, p_amount, left(trim(p_reason), 500), v_needs, case when v_needs then 'proposed' else 'approved' end, v_actor,
      case when not v_needs then clock_timestamp() end, v_entry_id)
    returning * into v_adjustment;
  perform public.record_audit(p_actor, case when v_needs then 'propose_adjustment' else 'book_adjustment' end, 'wallets',
    p_client_id::text, to_jsonb(v_adjustment));
  return public.adjustment_view(v_adjustment);
end
$$;
revoke all on function public.propose_adjustment from public;
grant execute on function public.propose_adjustment to studio;
