-- A merchant's entries with the balance after each, newest first, before p_before (an entry_no; null = from the newest). p_month: only
-- those of a closed month; p_by_hand: only what is no booking of a payment. Both are ranges of the index on (client_id, entry_no).
create or replace function public.list_wallet_entries(
  p_client_id uuid, p_before bigint, p_month date, p_by_hand boolean, p_limit integer
) returns setof jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_from bigint := 1;
  v_to bigint := coalesce(p_before - 1, 9223372036854775807);
begin
  if p_month is not null then
    select first_entry_no, least(last_entry_no, v_to) into v_from, v_to from public.billing_periods
      where client_id = p_client_id and month = p_month;
    if not found then
      return;
    end if;
  end if;
  return query
    select jsonb_build_object('id', e.id, 'entry_no', e.entry_no, 'type', e.type, 'amount', e.amount, 'balance_after', e.balance_after,
        'description', e.description, 'created_at', public.iso_time(e.created_at), 'transaction_id', e.transaction_id,
        'order_id', t.order_id)
      from (
        select * from public.wallet_entries w
          where w.client_id = p_client_id and w.entry_no between v_from and v_to
            and (not coalesce(p_by_hand, false) or w.type in ('COMMISSION_PAYOUT', 'MANUAL_SETTLEMENT', 'ADJUSTMENT'))
          order by w.entry_no desc limit least(p_limit, 5000)
      ) e
      left join public.transactions t on t.id = e.transaction_id
      order by e.entry_no desc;
end
$$;
revoke all on function public.list_wallet_entries from public;
grant execute on function public.list_wallet_entries to studio;
