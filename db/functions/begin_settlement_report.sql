-- Opens a settlement report: a pull of a day, an imported file, or the credits of a bank statement. Its lines follow with
-- record_settlement_lines and its end with finish_settlement_report, in the same transaction.
-- p_report: {source: pull|file|statement, day, file_name, sha256}. Returns its id.
-- Errors: LS050 no_such_gateway.
-- Locks: the gateway's row of settlement_accounts, so that reports of one gateway are taken one after the other.
create or replace function public.begin_settlement_report(p_gateway_id uuid, p_report jsonb, p_actor text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  v_client_id uuid;
  v_report_id uuid;
begin
  select client_id into v_client_id from public.payment_gateways where id = p_gateway_id;
  if not found then
    raise exception using errcode = 'LS050', message = 'no such gateway', detail = coalesce(p_gateway_id::text, 'null');
  end if;
  insert into public.settlement_accounts (gateway_id, client_id) values (p_gateway_id, v_client_id) on conflict do nothing;
  perform from public.settlement_accounts where gateway_id = p_gateway_id for update;
  insert into public.settlement_reports (client_id, gateway_id, source, day, file_name, sha256, imported_by)
    values (v_client_id, p_gateway_id, p_report ->> 'source', (p_report ->> 'day')::date, left(p_report ->> 'file_name', 255),
      p_report ->> 'sha256', coalesce(nullif(p_actor, ''), session_user))
    returning id into v_report_id;
  return v_report_id;
end
$$;
revoke all on function public.begin_settlement_report from public;
grant execute on function public.begin_settlement_report to jobs, studio;
