-- What the payer's page shows and needs: the transaction, its merchant, its newest attempt, the payer's newest UTR claim and
-- the refunds; secrets as ciphertext.
create or replace function public.read_pay_page(p_transaction_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('client_id', c.id, 'client_key', c.client_key, 'client_salt', c.client_salt,
      -- the pair before, while it is still valid
      'previous_client_salt', case when c.previous_credentials_until > now() then c.previous_client_salt end,
      'company_name', c.company_name, 'theme_color', c.theme_color, 'logo_sha256', c.logo_sha256,
      'redirect_url', coalesce(t.redirect_url, c.redirect_urls ->> 0), 'late', t.is_late,
      'version', t.version, 'description', t.description, 'attempt_id', a.id, 'attempt_status', a.status,
      'psp_order_id', a.psp_order_id,
      -- an order that was closed at its PSP leads nowhere
      'presentation', case when a.closed_at is null then a.presentation end,
      'attempt_is_moving', coalesce(a.move_requested_at > now() - interval '1 minute', false),
      'can_move', public.can_move_payment(t, a),
      'utr_claim', (select jsonb_build_object('utr', u.utr, 'status', u.status) from public.utr_claims u
        where u.transaction_id = t.id order by u.id desc limit 1),
      -- the rule of submit_utr; only direct UPI is shown like that
      'takes_utr', exists (select from public.payment_attempts x where x.transaction_id = t.id and x.psp_order_id is not null
        and x.presentation ->> 'kind' = 'upi' and x.created_at > now() - interval '8 days'),
      'refunds', coalesce((select jsonb_agg(jsonb_build_object('amount', r.amount, 'kind', r.kind,
          'status', case when r.status in ('succeeded', 'failed') then r.status else 'pending' end) order by r.id)
        from public.refunds r where r.transaction_id = t.id), '[]'),
      'gateway', public.sealed_gateway(g),
      'database_time', public.iso_time(clock_timestamp()), 'view', public.transaction_view(t))
    from public.transactions t
    join public.clients c on c.id = t.client_id
    join lateral (select * from public.payment_attempts x where x.transaction_id = t.id
      order by x.status = 'succeeded' desc, x.attempt_no desc limit 1) a on true
    join public.payment_gateways g on g.id = a.gateway_id
    where t.id = p_transaction_id
$$;
revoke all on function public.read_pay_page from public;
grant execute on function public.read_pay_page to checkout;
