-- Takes the credits of a merchant's bank statement: each pays the attempt it certainly belongs to, the others stay open as
-- exceptions for an operator. Lines that an earlier statement has brought (same UTR; without one, same day, amount and
-- narration) are counted and skipped, so overlapping statements and repeated imports do no harm. Audited.
--
-- p_lines: [{line_no, credited_on (YYYY-MM-DD), amount (paise), utr, payer, narration}].
-- Returns {statement_id, lines, matched, exceptions, repeated}.
-- Errors: LS027 no_such_upi_gateway, LS045 unreadable_statement.
-- Locks: the gateway's row (one import at a time), the matched transactions in id order, client_usage, then as settle_attempt.
create or replace function public.import_bank_statement(
  p_gateway_id uuid, p_file_name text, p_sha256 text, p_lines jsonb, p_actor text
) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := coalesce(nullif(p_actor, ''), session_user);
  v_gateway public.payment_gateways;
  v_statement_id constant uuid := uuidv7();
  v_line record;
  v_match record;
  v_matches jsonb := '[]';
  v_exceptions integer := 0;
  v_repeated integer := 0;
  v_taken uuid[] := '{}';
begin
  select * into v_gateway from public.payment_gateways where id = p_gateway_id and provider = 'upi' for no key update;
  if not found then
    raise exception using errcode = 'LS027', message = 'no such direct UPI gateway', detail = coalesce(p_gateway_id::text, 'null');
  end if;
  if jsonb_typeof(p_lines) is distinct from 'array' or exists (
      select from jsonb_to_recordset(p_lines) l (line_no integer, credited_on text, amount bigint, utr text, narration text)
        where l.line_no is null or l.amount is null or l.amount <= 0 or l.narration is null
          or l.credited_on !~ '^\d{4}-\d{2}-\d{2}$' or l.credited_on is null or l.utr !~ '^[0-9]{12}$') then
    raise exception using errcode = 'LS045', message = 'a line of the statement cannot be read';
  end if;
  insert into public.bank_statements (id, client_id, gateway_id, file_name, sha256, line_count, matched_count, exception_count,
      repeated_count, imported_by)
    values (v_statement_id, v_gateway.client_id, p_gateway_id, p_file_name, p_sha256, jsonb_array_length(p_lines), 0, 0, 0, v_actor);

  for v_line in
    select * from jsonb_to_recordset(p_lines)
      l (line_no integer, credited_on date, amount bigint, utr text, payer text, narration text) order by l.line_no
  loop
    if exists (select from public.bank_statement_lines x where x.gateway_id = p_gateway_id and x.utr = v_line.utr)
        or (v_line.utr is null and exists (select from public.bank_statement_lines x
          where x.gateway_id = p_gateway_id and x.utr is null and x.credited_on = v_line.credited_on and x.amount = v_line.amount
            and x.narration = v_line.narration and x.statement_id <> v_statement_id)) then
      v_repeated := v_repeated + 1;
      continue;
    end if;
    select m.attempt_id, m.exception into v_match
      from public.match_statement_line(p_gateway_id, v_line.credited_on, v_line.amount, v_line.utr, v_line.narration) m;
    if v_match.attempt_id = any (v_taken) then
      -- a second credit for one payment: somebody has to look
      v_match.attempt_id := null;
      v_match.exception := 'several_payments';
    end if;
    insert into public.bank_statement_lines (statement_id, client_id, gateway_id, line_no, credited_on, amount, utr, payer,
        narration, status, exception, attempt_id)
      values (v_statement_id, v_gateway.client_id, p_gateway_id, v_line.line_no, v_line.credited_on, v_line.amount, v_line.utr,
        v_line.payer, v_line.narration, case when v_match.attempt_id is null then 'exception' else 'matched' end,
        v_match.exception, v_match.attempt_id);
    if v_match.attempt_id is null then
      v_exceptions := v_exceptions + 1;
    else
      v_taken := v_taken || v_match.attempt_id;
      v_matches := v_matches || jsonb_build_object('attempt_id', v_match.attempt_id, 'utr', v_line.utr);
    end if;
  end loop;

  perform from public.transactions
    where id in (select transaction_id from public.payment_attempts where id = any (v_taken)) order by id for update;
  -- as a late one of them would need it, and a wallet is held from the first on
  perform from public.client_usage where client_id = v_gateway.client_id for update;
  perform public.settle_upi_receipt((m ->> 'attempt_id')::uuid, m ->> 'utr', 'statement') from jsonb_array_elements(v_matches) m;
  update public.bank_statements set matched_count = cardinality(v_taken), exception_count = v_exceptions, repeated_count = v_repeated
    where id = v_statement_id;
  perform public.record_audit(v_actor, 'import_bank_statement', 'payment_gateways', p_gateway_id::text,
    jsonb_build_object('statement_id', v_statement_id, 'file_name', p_file_name, 'matched', cardinality(v_taken), 'exceptions', v_exceptions));
  return jsonb_build_object('statement_id', v_statement_id, 'lines', jsonb_array_length(p_lines), 'matched', cardinality(v_taken),
    'exceptions', v_exceptions, 'repeated', v_repeated);
end
$$;
revoke all on function public.import_bank_statement from public;
grant execute on function public.import_bank_statement to studio;
