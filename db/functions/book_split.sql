-- The payment of an attempt was made, and with it the PSP has settled our part to us: takes that off what is due, in the caller's transaction
-- and before the commission of the payment is booked, so that what is due never seems to reach a threshold in between. Also of a
-- second success of one order, which has no commission: what the PSP split off is ours until it is made good. Once an attempt.
-- The caller holds the attempt. Locks: the client's wallet.
create or replace function public.book_split(p_attempt_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_split public.payment_splits;
  v_entry public.wallet_entries;
begin
  select * into v_split from public.payment_splits where attempt_id = p_attempt_id and status = 'asked' for update;
  if not found then
    return;
  end if;
  v_entry.client_id := v_split.client_id;
  v_entry.type := 'COMMISSION_SPLIT';
  v_entry.amount := -v_split.amount;
  v_entry.transaction_id := (select transaction_id from public.payment_attempts where id = p_attempt_id);
  v_entry.description := 'settled to ' || v_split.account;
  v_entry := public.append_entry(v_entry);
  update public.payment_splits set status = 'collected', entry_id = v_entry.id where attempt_id = p_attempt_id;
end
$$;
revoke all on function public.book_split from public;
