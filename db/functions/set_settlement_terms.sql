-- What finance has agreed with a PSP for a gateway: p_terms [{method, percent, fixed (paise), gst_percent}] replaces all of them,
-- p_settlement_days are the calendar days after which a payment must be in a report. Open differences about fees are compared
-- anew within the hour. p_reason is kept. Audited.
-- Errors: LS050 no_such_gateway, LS253 invalid_fee_terms, LS044 reason_needed.
-- Locks: the gateway's row of settlement_accounts, its terms.
create or replace function public.set_settlement_terms(
  p_gateway_id uuid, p_terms jsonb, p_settlement_days integer, p_reason text, p_actor text
) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_before jsonb;
begin
  if coalesce(btrim(p_reason), '') = '' then
    raise exception using errcode = 'LS044', message = 'say why', hint = 'The reason is kept in the audit trail.';
  end if;
  if p_settlement_days is null or p_settlement_days not between 0 and 60 or jsonb_typeof(p_terms) is distinct from 'array'
      or exists (select from jsonb_to_recordset(p_terms) t (method text, percent numeric, fixed bigint, gst_percent numeric)
        where t.method !~ '^[a-z_]{2,30}$' or t.percent not between 0 and 100 or t.fixed not between 0 and 100000000
          or t.gst_percent not between 0 and 100 or num_nulls(t.method, t.percent, t.fixed, t.gst_percent) > 0)
      or (select count(distinct t.method) <> count(*) from jsonb_to_recordset(p_terms) t (method text)) then
    raise exception using errcode = 'LS253', message = 'these terms cannot be';
  end if;
  insert into public.settlement_accounts (gateway_id, client_id)
    select id, client_id from public.payment_gateways where id = p_gateway_id on conflict do nothing;
  update public.settlement_accounts set settlement_days = p_settlement_days where gateway_id = p_gateway_id;
  if not found then
    raise exception using errcode = 'LS050', message = 'no such gateway', detail = coalesce(p_gateway_id::text, 'null');
  end if;
  select coalesce(jsonb_agg(to_jsonb(t) - 'client_id' - 'gateway_id'), '[]') into v_before
    from public.gateway_fee_terms t where t.gateway_id = p_gateway_id;
  delete from public.gateway_fee_terms where gateway_id = p_gateway_id;
  insert into public.gateway_fee_terms (gateway_id, client_id, method, percent, fixed, gst_percent, set_by)
    select p_gateway_id, g.client_id, t.method, t.percent, t.fixed, t.gst_percent, coalesce(nullif(p_actor, ''), session_user)
      from jsonb_to_recordset(p_terms) t (method text, percent numeric, fixed bigint, gst_percent numeric)
      join public.payment_gateways g on g.id = p_gateway_id;
  perform public.record_audit(p_actor, 'set_settlement_terms', 'payment_gateways', p_gateway_id::text,
    jsonb_build_object('terms', p_terms, 'terms_before', v_before, 'settlement_days', p_settlement_days, 'reason', btrim(p_reason)));
end
$$;
revoke all on function public.set_settlement_terms from public;
grant execute on function public.set_settlement_terms to studio;
