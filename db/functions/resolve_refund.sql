-- An operator has looked at the PSP's dashboard, or paid by bank transfer (direct UPI), and says what became of a refund that
-- cannot be settled by itself: succeeded (with the bank's reference, where there is one) or failed. p_reason is kept in the
-- audit trail.
-- Errors: LS024 no_such_refund, LS021 not_an_outcome, LS043 already_decided, LS044 reason_needed.
-- Locks: as settle_refund.
create or replace function public.resolve_refund(
  p_refund_id uuid, p_outcome text, p_bank_reference text, p_reason text, p_actor text
) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_refund public.refunds;
begin
  if p_outcome not in ('succeeded', 'failed') or p_outcome is null then
    raise exception using errcode = 'LS021', message = 'not an outcome', detail = coalesce(p_outcome, 'null');
  end if;
  if coalesce(length(trim(p_reason)), 0) = 0 then
    raise exception using errcode = 'LS044', message = 'say why', hint = 'The reason is kept in the audit trail.';
  end if;
  select * into v_refund from public.refunds where id = p_refund_id;
  if not found then
    raise exception using errcode = 'LS024', message = 'no such refund', detail = coalesce(p_refund_id::text, 'null');
  end if;
  perform from public.settle_refund(p_refund_id, jsonb_build_object('outcome', p_outcome, 'bank_reference', p_bank_reference,
    'error', case p_outcome when 'failed' then jsonb_build_object('code', 'declined', 'message', p_reason) end)) s
    where s.changed;
  if not found then
    raise exception using errcode = 'LS043', message = 'this refund is decided already', detail = v_refund.status;
  end if;
  select * into v_refund from public.refunds where id = p_refund_id;
  perform public.record_audit(coalesce(nullif(p_actor, ''), session_user), 'resolve_refund', 'refunds', p_refund_id::text,
    public.refund_view(v_refund) || jsonb_build_object('reason', p_reason));
  return public.refund_view(v_refund);
end
$$;
revoke all on function public.resolve_refund from public;
grant execute on function public.resolve_refund to studio;
