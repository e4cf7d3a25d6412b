-- The attempt that a credit on a merchant's bank statement pays, or why none is certain. In this order: the payer named this
-- UTR; the narration holds our reference; only one attempt of the gateway asks for exactly this amount (where its settings
-- say match_by "amount"). Always the whole amount, among attempts of the eight days before the credit.
-- Exactly one of attempt_id and exception comes back.
create or replace function public.match_statement_line(
  p_gateway_id uuid, p_credited_on date, p_amount bigint, p_utr text, p_narration text, out attempt_id uuid, out exception text
)
language plpgsql stable security definer set search_path = '' as $$
declare
  v_candidates uuid[];
  v_named uuid[];
begin
  if p_utr is null then
    exception := 'no_utr';
    return;
  end if;
  if exists (select from public.upi_receipts r join public.payment_gateways g on g.client_id = r.client_id
      where g.id = p_gateway_id and r.utr = p_utr) then
    exception := 'utr_already_used';
    return;
  end if;
  -- named: whatever the amount, to tell a wrong amount from no payment at all
  select array_agg(distinct a.id), array_agg(distinct a.id) filter (where coalesce(a.payable_amount, a.amount) = p_amount)
    into v_named, v_candidates
    from public.payment_attempts a
    where a.gateway_id = p_gateway_id and (
      a.id in (select u.attempt_id from public.utr_claims u where u.gateway_id = p_gateway_id and u.utr = p_utr and u.status <> 'rejected')
      or (a.presentation ->> 'kind' = 'upi' and coalesce(a.payable_amount, a.amount) = p_amount
        and a.created_at > p_credited_on - interval '8 days'
        and strpos(upper(p_narration), upper(a.presentation ->> 'reference')) > 0));
  if v_candidates is null and v_named is null then
    select array_agg(a.id) into v_candidates
      from public.payment_attempts a join public.payment_gateways g on g.id = a.gateway_id and g.settings ->> 'match_by' = 'amount'
      where a.gateway_id = p_gateway_id and a.payable_amount = p_amount and a.status not in ('succeeded')
        and (a.created_at at time zone 'Asia/Kolkata')::date between p_credited_on - 3 and p_credited_on;
  end if;
  if cardinality(v_candidates) = 1 then
    attempt_id := v_candidates[1];
  else
    exception := case when cardinality(v_candidates) > 1 then 'several_payments'
      when v_named is not null then 'amount_differs' else 'no_payment' end;
  end if;
end
$$;
revoke all on function public.match_statement_line from public;
