-- A refund that an operator asks for in the studio; as create_refund, and audited. p_amount in paise; null = what is left.
-- Errors: as create_refund.
create or replace function public.create_refund_for_operator(
  p_transaction_id uuid, p_amount bigint, p_reason text, p_actor text
) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_refund jsonb;
begin
  select r.refund into v_refund from public.create_refund(
    (select client_id from public.transactions where id = p_transaction_id),
    p_transaction_id, p_amount, p_reason, null, coalesce(nullif(p_actor, ''), session_user)) r;
  perform public.record_audit(p_actor, 'create_refund', 'transactions', p_transaction_id::text, v_refund);
  return v_refund;
end
$$;
revoke all on function public.create_refund_for_operator from public;
grant execute on function public.create_refund_for_operator to studio;
