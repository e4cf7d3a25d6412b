-- One settlement for the studio, with what is known of its arrival: credits of the merchant's bank statements with its UTR, or
-- with its amount within five days. That is information; nothing follows from it. Null: there is none.
create or replace function public.read_settlement(p_settlement_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select public.settlement_view(s) || jsonb_build_object('credits', (
      select coalesce(jsonb_agg(jsonb_build_object('credited_on', b.credited_on, 'amount', b.amount, 'utr', b.utr, 'narration', b.narration,
          'same_utr', b.utr is not distinct from s.utr or strpos(b.narration, s.utr) > 0)), '[]')
        from (select l.* from public.payment_gateways g join public.bank_statement_lines l on l.gateway_id = g.id
          where g.client_id = s.client_id and g.provider = 'upi' and l.status in ('exception', 'ignored') and l.amount = s.net
            and l.credited_on between s.settled_on - 1 and s.settled_on + 5
          order by l.credited_on limit 5) b))
    from public.settlements s where s.id = p_settlement_id
$$;
revoke all on function public.read_settlement from public;
grant execute on function public.read_settlement to studio;
