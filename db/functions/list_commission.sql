-- Merchants with what they owe, most first, a page at a time. p_search: part of the company's name; p_show: all, refused (due at or
-- over the threshold), suspended (or disabled), proposals (an adjustment waits for a second person). p_after_balance and p_after_id:
-- balance_due (paise) and client_id of the last row of the page before.
-- 10,000 wallets are read and sorted for a page, which takes some 15 ms; what else is shown is looked up for its rows alone.
create or replace function public.list_commission(
  p_search text, p_show text, p_after_balance bigint, p_after_id uuid, p_limit integer
) returns setof jsonb
language sql stable security definer set search_path = '' as $$
  with page as materialized (
    select w.client_id, c.company_name, c.status, w.balance_due, c.suspend_threshold, w.warn_threshold
      from public.wallets w join public.clients c on c.id = w.client_id
      where (p_search is null or strpos(lower(c.company_name), lower(p_search)) > 0)
        and (p_after_id is null or (w.balance_due, w.client_id) < (p_after_balance, p_after_id))
        and case p_show
          when 'refused' then w.balance_due >= c.suspend_threshold
          when 'suspended' then c.status <> 'active'
          when 'proposals' then exists (select from public.adjustments a where a.client_id = w.client_id and a.status = 'proposed')
          else true end
      order by w.balance_due desc, w.client_id desc
      limit least(p_limit, 200)
  )
  select jsonb_build_object('client_id', p.client_id, 'company_name', p.company_name, 'status', p.status, 'balance_due', p.balance_due,
      'suspend_threshold', p.suspend_threshold, 'warn_threshold', p.warn_threshold,
      'is_refused', coalesce(p.balance_due >= p.suspend_threshold, false),
      'last_settlement', (select jsonb_build_object('amount', -e.amount, 'at', public.iso_time(e.created_at), 'type', e.type)
        from public.wallet_entries e where e.client_id = p.client_id and e.type in ('COMMISSION_PAYOUT', 'MANUAL_SETTLEMENT')
          and e.type in ('COMMISSION_PAYOUT', 'MANUAL_SETTLEMENT', 'ADJUSTMENT')
        order by e.entry_no desc limit 1),
      'proposals', (select count(*) from public.adjustments a where a.client_id = p.client_id and a.status = 'proposed'))
    from page p
    order by p.balance_due desc, p.client_id desc
$$;
revoke all on function public.list_commission from public;
grant execute on function public.list_commission to studio;
