-- A payment link's status follows from its switch, its time and, for single use, its payment.
create or replace function public.payment_link_status(l public.payment_links) returns text
language sql stable security definer set search_path = '' as $$
  select case
    when l.usage = 'single' and exists (select from public.payment_link_payments p join public.transactions t on t.id = p.transaction_id
      where p.payment_link_id = l.id and t.paid_at is not null) then 'completed'
    when l.is_disabled then 'disabled'
    when l.expires_at <= now() then 'expired'
    else 'active'
  end
$$;
revoke all on function public.payment_link_status from public;
