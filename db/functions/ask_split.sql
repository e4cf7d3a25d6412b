-- Notes what the PSP is to settle to us of an attempt's payment, where its gateway says so: the commission and its GST at today's rate, less what the
-- merchant has paid in advance (refunds take commission back, the part that was split off stays with us). Decided once, before the order is
-- made for the first time, so that a repetition asks for the same. Nothing below a rupee, which PSPs do not split off.
create or replace function public.ask_split(p_attempt_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_gateway public.payment_gateways;
  v_transaction public.transactions;
  v_fee bigint;
  v_amount bigint;
begin
  select g.* into v_gateway from public.payment_attempts a join public.payment_gateways g on g.id = a.gateway_id where a.id = p_attempt_id;
  if v_gateway.split_enabled is not true then
    return;
  end if;
  select t.* into strict v_transaction
    from public.payment_attempts a join public.transactions t on t.id = a.transaction_id where a.id = p_attempt_id;
  v_fee := round(v_transaction.amount * v_transaction.fee_percent / 100);
  v_amount := v_fee
    + round(v_fee * (select percent from public.gst_rates
        where valid_from <= (now() at time zone 'Asia/Kolkata')::date order by valid_from desc limit 1) / 100)
    + least(0, (select balance_due from public.wallets where client_id = v_transaction.client_id));
  if v_transaction.currency = 'INR' and v_amount >= 100 and v_amount <= v_transaction.amount then
    insert into public.payment_splits (attempt_id, client_id, account, amount)
      values (p_attempt_id, v_transaction.client_id, v_gateway.split_account, v_amount)
      on conflict do nothing;
  end if;
end
$$;
revoke all on function public.ask_split from public;
