-- A refund that an operator asks for in the studio; as create_refund, and audited. p_amount in paise; null = what is left.
-- p_key: of what the operator sees and confirms, so that confirming twice gives back once and answers with the same refund; null = none.
-- Errors: as create_refund.
create or replace function public.create_refund_for_operator(
  p_transaction_id uuid, p_amount bigint, p_reason text, p_actor text, p_key uuid default null
) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_made record;
begin
  select r.refund, r.replayed into v_made from public.create_refund(
    (select client_id from public.transactions where id = p_transaction_id),
    -- merchants' keys are in the same index
    p_transaction_id, p_amount, p_reason, 'studio:' || p_key, coalesce(nullif(p_actor, ''), session_user)) r;
  if not v_made.replayed then
    perform public.record_audit(p_actor, 'create_refund', 'transactions', p_transaction_id::text, v_made.refund);
  end if;
  return v_made.refund;
end
$$;
revoke all on function public.create_refund_for_operator from public;
grant execute on function public.create_refund_for_operator to studio;
