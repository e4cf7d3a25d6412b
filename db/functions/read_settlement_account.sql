-- How far a gateway's settlement reports are known and compared, its terms, and its last reports, for the studio. Null: there is
-- no such gateway.
create or replace function public.read_settlement_account(p_gateway_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('gateway_id', g.id, 'gateway_name', g.name, 'provider', g.provider, 'client_id', g.client_id,
      'company_name', c.company_name, 'covered_from', s.covered_from, 'covered_to', s.covered_to, 'pulled_to', s.pulled_to,
      'pulled_at', public.iso_time(s.pulled_at), 'next_pull_at', public.iso_time(s.next_pull_at),
      'failing_since', public.iso_time(s.failing_since), 'last_error', s.last_error,
      'compared_to', public.iso_time(s.payments_judged_to), 'settlement_days', coalesce(s.settlement_days, 5),
      'open', (select count(*) from (select from public.reconciliation_exceptions e
        where e.gateway_id = g.id and e.status = 'open' limit 1000) o),
      'fees', (select f from public.gateway_fees(array[g.id]) f),
      'terms', (select coalesce(jsonb_agg(jsonb_build_object('method', t.method, 'percent', t.percent, 'fixed', t.fixed,
        'gst_percent', t.gst_percent) order by t.method), '[]') from public.gateway_fee_terms t where t.gateway_id = g.id),
      'reports', (select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'source', r.source, 'day', r.day, 'file_name', r.file_name,
          'lines', r.line_count, 'new', r.new_count, 'changed', r.changed_count, 'repeated', r.repeated_count, 'unreadable', r.unreadable_count,
          'imported_by', r.imported_by, 'created_at', public.iso_time(r.created_at)) order by r.id desc), '[]')
        from (select * from public.settlement_reports x where x.gateway_id = g.id order by x.id desc limit 20) r))
    from public.payment_gateways g
    join public.clients c on c.id = g.client_id
    left join public.settlement_accounts s on s.gateway_id = g.id
    where g.id = p_gateway_id
$$;
revoke all on function public.read_settlement_account from public;
grant execute on function public.read_settlement_account to studio;
