-- What all merchants owe together, paise, and how many need somebody: one pass over the wallets.
create or replace function public.sum_commission() returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('merchants', count(*),
      'due', coalesce(sum(w.balance_due) filter (where w.balance_due > 0), 0),
      'advance', -coalesce(sum(w.balance_due) filter (where w.balance_due < 0), 0),
      'refused', count(*) filter (where w.balance_due >= c.suspend_threshold),
      'suspended', count(*) filter (where c.status <> 'active'),
      'proposals', (select count(*) from public.adjustments where status = 'proposed'),
      'profile_is_complete', (select legal_name is not null and address is not null and gstin is not null from public.company_profile))
    from public.wallets w join public.clients c on c.id = w.client_id
$$;
revoke all on function public.sum_commission from public;
grant execute on function public.sum_commission to studio;
