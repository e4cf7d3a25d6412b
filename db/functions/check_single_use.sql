-- A single-use link was paid a second time, by a payment of it that had been given up for over: operators are told.
-- Of two that are paid at the same moment the later looks when the earlier has committed.
-- Locks: the turn (advisory) of a link for single use, after all rows; who checks several does so in the order of their links.
create or replace function public.check_single_use(t public.transactions) returns void
language sql security definer set search_path = '' as $$
  select pg_advisory_xact_lock(hashtextextended('payment_link:' || p.payment_link_id, 0))
    from public.payment_link_payments p
    join public.payment_links l on l.id = p.payment_link_id and l.usage = 'single'
    where p.transaction_id = t.id;
  select public.raise_alert('link_paid_twice', 'critical',
      'A payment link for single use was paid twice, as an earlier payment of it came late. Refund one of them, unless the merchant says otherwise.',
      jsonb_build_object('payment_link_id', l.id, 'transaction_id', t.id), 'link_paid_twice:' || l.id, t.client_id)
    from public.payment_link_payments p
    join public.payment_links l on l.id = p.payment_link_id and l.usage = 'single'
    where p.transaction_id = t.id and exists (
      select from public.payment_link_payments other join public.transactions x on x.id = other.transaction_id
        where other.payment_link_id = l.id and other.transaction_id <> t.id and x.paid_at is not null)
$$;
revoke all on function public.check_single_use from public;
