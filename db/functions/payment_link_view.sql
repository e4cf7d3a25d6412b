-- A payment link as merchants see it.
create or replace function public.payment_link_view(l public.payment_links) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('link_id', l.id, 'code', l.code, 'amount', l.amount, 'currency', l.currency,
      'description', l.description, 'reference', l.reference, 'usage', l.usage, 'status', public.payment_link_status(l),
      'paid_count', (select count(*) from public.payment_link_payments p join public.transactions t on t.id = p.transaction_id
        where p.payment_link_id = l.id and t.paid_at is not null),
      'redirect_url', l.redirect_url, 'expires_at', public.iso_time(l.expires_at), 'created_at', public.iso_time(l.created_at))
$$;
revoke all on function public.payment_link_view from public;
