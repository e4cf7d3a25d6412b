-- Ends a report that is open. One that brought nothing new leaves no trace but that it was asked for. The days that the gateway's
-- reports are known for grow by those of a pull that is final (nothing can be added to that day any more), or by the days that
-- a file's lines were settled on.
-- p_unreadable: lines of a file that could not be read; p_sha256: of the file, known once it was read. Returns {report_id (null:
-- nothing new), lines, new, changed, repeated, unreadable, matched, opened: open exceptions about its lines, kinds: {kind: number},
-- settlements: the first 20 that it has lines of}.
-- Locks: the caller holds the row of settlement_accounts.
create or replace function public.finish_settlement_report(p_report_id uuid, p_is_final boolean, p_unreadable integer, p_actor text, p_sha256 text)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_report public.settlement_reports;
  v_from date;
  v_to date;
  v_opened integer;
  v_kinds jsonb;
  v_settlements jsonb;
  v_matched integer;
begin
  update public.settlement_reports set unreadable_count = p_unreadable, sha256 = coalesce(p_sha256, sha256) where id = p_report_id returning * into strict v_report;
  if v_report.source = 'pull' then
    v_from := case when p_is_final then v_report.day end;
    v_to := v_from;
    update public.settlement_accounts set pulled_to = case when p_is_final then greatest(pulled_to, v_report.day) else pulled_to end,
        pulled_at = clock_timestamp(), failing_since = null, last_error = null
      where gateway_id = v_report.gateway_id;
    update public.alerts set status = 'resolved'
      where dedupe_key = 'settlement_pull_fails:' || v_report.gateway_id and status <> 'resolved';
  else
    select min(s.settled_on), max(s.settled_on) into v_from, v_to
      from public.settlements s where s.id in (select settlement_id from public.settlement_lines where report_id = p_report_id);
  end if;
  update public.settlement_accounts set covered_from = least(covered_from, v_from), covered_to = greatest(covered_to, v_to)
    where gateway_id = v_report.gateway_id and v_from is not null;
  select coalesce(sum(k.differences), 0), coalesce(jsonb_object_agg(k.kind, k.differences), '{}') into v_opened, v_kinds from (
    select e.kind, count(*) as differences from public.settlement_lines l join public.reconciliation_exceptions e on e.line_id = l.id
      where l.report_id = p_report_id and e.status = 'open' group by e.kind) k;
  if v_report.source = 'file' then
    select count(*) filter (where status = 'matched') into v_matched from public.settlement_lines where report_id = p_report_id;
    select jsonb_agg(public.settlement_view(s) order by s.settled_on, s.id) into v_settlements from (
      select * from public.settlements where id in (select settlement_id from public.settlement_lines where report_id = p_report_id)
        order by settled_on, id limit 20) s;
  end if;
  if v_report.source = 'file' then
    perform public.record_audit(p_actor, 'import_settlement_report', 'payment_gateways', v_report.gateway_id::text,
      jsonb_build_object('file_name', v_report.file_name, 'sha256', v_report.sha256, 'lines', v_report.line_count,
        'new', v_report.new_count, 'changed', v_report.changed_count, 'opened', v_opened));
  end if;
  if v_report.new_count + v_report.changed_count = 0 then
    delete from public.settlement_reports where id = p_report_id;
  end if;
  return jsonb_build_object('report_id', case when v_report.new_count + v_report.changed_count > 0 then p_report_id end,
    'lines', v_report.line_count, 'new', v_report.new_count, 'changed', v_report.changed_count, 'repeated', v_report.repeated_count,
    'unreadable', p_unreadable, 'opened', v_opened, 'kinds', v_kinds, 'matched', v_matched,
    'settlements', coalesce(v_settlements, '[]'));
end
$$;
revoke all on function public.finish_settlement_report from public;
grant execute on function public.finish_settlement_report to jobs, studio;
