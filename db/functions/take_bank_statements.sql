-- Takes the credits of a direct UPI gateway's bank statements as its settlement report: one settlement a day, without fees. Lines
-- that an operator has called none of ours are left out. Statements of which a line was taken before are taken again from the
-- last ten days, as lines may have been decided since. Returns how many lines were new.
-- Locks: as begin_settlement_report and record_settlement_lines.
create or replace function public.take_bank_statements(p_gateway_id uuid) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_report_id uuid;
  v_lines jsonb;
  v_statement record;
  v_done jsonb;
  v_new integer := 0;
begin
  for v_statement in
    select b.id, b.file_name from public.bank_statements b
      where b.gateway_id = p_gateway_id
        and b.id >= public.first_uuid_at(greatest(now() - interval '400 days', coalesce(
          (select r.created_at from public.settlement_reports r
            where r.gateway_id = p_gateway_id and r.source = 'statement' order by r.id desc limit 1), '-infinity') - interval '10 days'))
      order by b.id
  loop
    v_report_id := public.begin_settlement_report(p_gateway_id, jsonb_build_object('source', 'statement'), 'system');
    for v_lines in
      select jsonb_agg(jsonb_build_object('kind', 'payment', 'psp_kind', 'credit', 'psp_id', coalesce(l.utr, l.id::text), 'psp_payment_id', l.utr,
          'psp_settlement_id', 'credited:' || l.credited_on, 'amount', l.amount, 'credit', l.amount, 'debit', 0, 'fee', 0, 'tax', 0,
          'currency', 'INR', 'method', 'upi', 'utr', l.utr, 'settled_at', l.credited_on::timestamp at time zone 'Asia/Kolkata',
          'details', jsonb_build_object('payer', l.payer, 'statement_line_id', l.id)))
        from public.bank_statement_lines l
        where l.statement_id = v_statement.id and l.status <> 'ignored' group by l.line_no / 1000 order by min(l.line_no)
    loop
      perform public.record_settlement_lines(v_report_id, v_lines);
    end loop;
    v_done := public.finish_settlement_report(v_report_id, true, 0, 'system', null);
    v_new := v_new + (v_done ->> 'new')::integer;
  end loop;
  return v_new;
end
$$;
revoke all on function public.take_bank_statements from public;
