-- Whether another gateway of the merchant could take a payment over from its newest attempt: the payment's time is not over,
-- the attempt was declined or left, fewer than five were made, and a gateway not tried yet qualifies. Not while the payer says
-- that they have paid by UPI and nobody has looked yet.
create or replace function public.can_move_payment(t public.transactions, a public.payment_attempts) returns boolean
language sql stable security definer set search_path = '' as $$
  select t.status in ('created', 'pending', 'failed') and t.expires_at > now() and a.status in ('pending', 'failed')
    and a.attempt_no < 5
    and not exists (select from public.utr_claims u where u.transaction_id = t.id and u.status = 'submitted')
    and exists (
      select from public.payment_gateways g
        join public.gateway_states s on s.gateway_id = g.id
        join public.clients c on c.id = g.client_id
        where g.client_id = t.client_id
          and g.id not in (select x.gateway_id from public.payment_attempts x where x.transaction_id = t.id)
          and public.gateway_obstacle(g, s, c.max_rpm_per_gateway, t.amount, t.currency, null, now()) is null)
$$;
revoke all on function public.can_move_payment from public;
