-- attempt_work_view of an attempt as it is, with what is to be split off. Null when there is no such attempt. is_over: nobody is to
-- pay its order any more, and it was not closed at the PSP yet.
create or replace function public.attempt_work(p_attempt_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select public.attempt_work_view(a, t, g, c, (select jsonb_build_object('account', s.account, 'amount', s.amount)
      from public.payment_splits s where s.attempt_id = a.id and s.status <> 'refused'))
      || jsonb_build_object('is_over', a.closed_at is null and a.status <> 'succeeded' and (t.expires_at <= now() or t.paid_at is not null))
    from public.payment_attempts a
    join public.transactions t on t.id = a.transaction_id
    join public.payment_gateways g on g.id = a.gateway_id
    join public.clients c on c.id = a.client_id
    where a.id = p_attempt_id
$$;
revoke all on function public.attempt_work from public;
grant execute on function public.attempt_work to jobs;
