-- Direct UPI, where the gateway's settings say match_by "amount": gives the attempt an amount that no other attempt of this
-- gateway had in the last three days, 1 to 99 paise below the payment's, drawn by lot (never above: nobody pays more than the
-- price; never below one rupee). The price itself is never used: rents and salaries are round. When all are taken it asks for
-- the whole, to be matched by reference or UTR only.
-- Locks: the gateway's gateway_states row, so that two attempts cannot choose alike. Safe to repeat.
create or replace function public.mark_upi_amount(p_attempt_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_attempt public.payment_attempts;
  v_less integer;
begin
  select a.* into v_attempt from public.payment_attempts a join public.payment_gateways g on g.id = a.gateway_id
    where a.id = p_attempt_id and g.settings ->> 'match_by' = 'amount' and a.payable_amount is null;
  if not found then
    return;
  end if;
  perform from public.gateway_states where gateway_id = v_attempt.gateway_id for update;
  select less into v_less from generate_series(1, least(99, v_attempt.amount - 100)::integer) less
    where not exists (select from public.payment_attempts x
      where x.gateway_id = v_attempt.gateway_id and x.payable_amount = v_attempt.amount - less
        and x.created_at > now() - interval '3 days')
    order by random() limit 1;
  update public.payment_attempts set payable_amount = amount - v_less where id = p_attempt_id;
end
$$;
revoke all on function public.mark_upi_amount from public;
