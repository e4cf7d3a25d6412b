-- Ends a collection that nothing ends by itself, because its PSP names another amount or has said nothing for fifteen days, so that the next
-- one can be made: by a person who looked at the PSP's dashboard and our bank account. p_received: what came, in paise, which is booked as
-- collected; 0 = nothing came, nothing is booked and it is due again. Audited. Returns payout_view.
-- Errors: LS044 reason_needed, LS273 no_such_payout, LS275 payout_not_stuck, LS276 invalid_payout_amount. Locks: payout, wallet, alerts.
create or replace function public.resolve_payout(p_payout_id uuid, p_received bigint, p_reason text, p_actor text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_payout public.payouts;
begin
  if coalesce(trim(p_reason), '') = '' then
    raise exception using errcode = 'LS044', message = 'say how you know', hint = 'The reason is kept in the audit trail.';
  end if;
  select * into v_payout from public.payouts where id = p_payout_id for update;
  if not found then
    raise exception using errcode = 'LS273', message = 'no such payout', detail = coalesce(p_payout_id::text, 'null');
  elsif v_payout.status not in ('queued', 'processing') or v_payout.started_at is null or v_payout.next_lookup_at is not null then
    raise exception using errcode = 'LS275', message = 'this collection is not held up', detail = v_payout.status,
      hint = 'It is over, or its provider is still asked about it: wait for the answer.';
  elsif p_received is null or p_received < 0 or p_received between 1 and 99 or p_received > 10 * v_payout.amount then
    raise exception using errcode = 'LS276', message = 'this cannot be what came', detail = coalesce(p_received::text, 'null'),
      hint = 'Enter what our bank account shows: nothing, or at least a rupee and not ten times what was asked for.';
  end if;
  if p_received = 0 then
    update public.payouts set status = 'failed', updated_at = now(), error_code = 'closed_by_operator', error_message = left(trim(p_reason), 500)
      where id = p_payout_id;
  else
    update public.payouts set amount = p_received where id = p_payout_id;
    perform public.settle_payout(p_payout_id, '{"outcome": "processed"}');
  end if;
  update public.alerts set status = 'resolved', resolved_by = coalesce(nullif(p_actor, ''), session_user), note = trim(p_reason)
    where dedupe_key in ('payout_amount_mismatch:' || p_payout_id, 'payout_unresolved:' || p_payout_id) and status <> 'resolved';
  perform public.record_audit(p_actor, 'resolve_payout', 'payouts', p_payout_id::text, jsonb_build_object('client_id', v_payout.client_id,
    'asked_for', v_payout.amount, 'received', p_received, 'reason', trim(p_reason)));
  return (select public.payout_view(p) from public.payouts p where p.id = p_payout_id);
end
$$;
revoke all on function public.resolve_payout from public;
grant execute on function public.resolve_payout to studio;
