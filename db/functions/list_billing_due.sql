-- Merchants with entries of a month that is over (Asia/Kolkata) and not closed, for close_billing_month.
create or replace function public.list_billing_due() returns setof uuid
language sql stable security definer set search_path = '' as $$
  select w.client_id
    from public.wallets w
    left join lateral (select last_entry_no from public.billing_periods p where p.client_id = w.client_id
      order by month desc limit 1) p on true
    join public.wallet_entries e on e.client_id = w.client_id and e.entry_no = coalesce(p.last_entry_no, 0) + 1
    where w.entry_count > coalesce(p.last_entry_no, 0)
      and e.created_at < public.month_in_india(now())::timestamp at time zone 'Asia/Kolkata'
    order by 1
$$;
revoke all on function public.list_billing_due from public;
grant execute on function public.list_billing_due to jobs;
