-- An operator settles an open line of a bank statement: it pays the attempt named (whose amount it must be), or, with null, is
-- none of our payments. p_reason is kept. Audited.
-- Errors: LS028 no_such_statement_line, LS020 no_such_attempt, LS041 utr_already_used, LS043 already_decided, LS044
-- reason_needed, LS046 line_does_not_fit.
-- Locks: transaction, line, then as settle_attempt.
create or replace function public.resolve_statement_line(p_line_id uuid, p_attempt_id uuid, p_reason text, p_actor text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := coalesce(nullif(p_actor, ''), session_user);
  v_line public.bank_statement_lines;
  v_attempt public.payment_attempts;
begin
  select * into v_attempt from public.payment_attempts where id = p_attempt_id;
  if p_attempt_id is not null and v_attempt.id is null then
    raise exception using errcode = 'LS020', message = 'no such attempt', detail = p_attempt_id::text;
  end if;
  perform from public.transactions where id = v_attempt.transaction_id for update;
  select * into v_line from public.bank_statement_lines where id = p_line_id for update;
  if not found then
    raise exception using errcode = 'LS028', message = 'no such line of a bank statement', detail = coalesce(p_line_id::text, 'null');
  end if;
  if v_line.status <> 'exception' then
    raise exception using errcode = 'LS043', message = 'this line is decided already', detail = v_line.status;
  end if;
  if coalesce(length(trim(p_reason)), 0) = 0 then
    raise exception using errcode = 'LS044', message = 'say why', hint = 'The reason is kept with the line.';
  end if;
  if p_attempt_id is not null and (v_attempt.gateway_id <> v_line.gateway_id or v_line.utr is null
      or coalesce(v_attempt.payable_amount, v_attempt.amount) <> v_line.amount) then
    raise exception using errcode = 'LS046', message = 'this line cannot pay this attempt',
      hint = 'The gateway and the amount must be the attempt''s, and the line needs a UTR. A payment of another amount is paid back by hand.';
  end if;
  update public.bank_statement_lines set status = case when p_attempt_id is null then 'ignored' else 'matched' end,
      attempt_id = p_attempt_id, resolution = p_reason, resolved_by = v_actor, resolved_at = now()
    where id = p_line_id returning * into v_line;
  if p_attempt_id is not null then
    perform public.settle_upi_receipt(p_attempt_id, v_line.utr, 'operator');
  end if;
  perform public.record_audit(v_actor, 'resolve_statement_line', 'bank_statement_lines', p_line_id::text,
    jsonb_build_object('status', v_line.status, 'attempt_id', p_attempt_id, 'reason', p_reason));
  return jsonb_build_object('line_id', v_line.id, 'status', v_line.status, 'attempt_id', v_line.attempt_id);
end
$$;
revoke all on function public.resolve_statement_line from public;
grant execute on function public.resolve_statement_line to studio;
