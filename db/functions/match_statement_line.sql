-- The attempt that a credit on a merchant's bank statement pays, or why none is certain. In this order: the payer named this
-- UTR; the narration holds the reference of a link (LS and 16 hexadecimal digits); only one attempt of the gateway asks for
-- exactly this amount (where its settings say match_by "amount"). Always the whole amount, and never a credit of a day before
-- the attempt was made. A credit that was named or referenced for another amount is not matched by amount.
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
  -- approved by an operator before the statement came: this is its line
  select r.attempt_id into attempt_id from public.upi_receipts r join public.payment_gateways g on g.client_id = r.client_id
    where g.id = p_gateway_id and r.utr = p_utr and r.gateway_id = p_gateway_id and r.amount = p_amount;
  if found then
    return;
  end if;
  if exists (select from public.upi_receipts r join public.payment_gateways g on g.client_id = r.client_id
      where g.id = p_gateway_id and r.utr = p_utr) then
    exception := 'utr_already_used';
    return;
  end if;

  select array_agg(distinct a.id),
      array_agg(distinct a.id) filter (where coalesce(a.payable_amount, a.amount) = p_amount
        and (a.created_at at time zone 'Asia/Kolkata')::date <= p_credited_on)
    into v_named, v_candidates
    from (
      select u.attempt_id as id from public.utr_claims u
        where u.client_id = (select g.client_id from public.payment_gateways g where g.id = p_gateway_id)
          and u.gateway_id = p_gateway_id and u.utr = p_utr and u.status <> 'rejected'
      union
      select x.id from regexp_matches(upper(p_narration), '(LS[0-9A-F]{16})', 'g') reference
        join public.payment_attempts x on x.gateway_id = p_gateway_id and x.psp_order_id = reference[1]
    ) named
    join public.payment_attempts a on a.id = named.id;
  if v_named is null then
    select array_agg(a.id) into v_candidates
      from public.payment_attempts a join public.payment_gateways g on g.id = a.gateway_id and g.settings ->> 'match_by' = 'amount'
      where a.gateway_id = p_gateway_id and a.payable_amount = p_amount and a.status <> 'succeeded'
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
