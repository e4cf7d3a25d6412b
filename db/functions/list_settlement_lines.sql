-- The lines of a settlement in the order they came, a page at a time. p_show: all, open (nothing of ours fits), differing (with an
-- open exception). p_after: the id of the last row before.
create or replace function public.list_settlement_lines(p_settlement_id uuid, p_show text, p_after uuid, p_limit integer)
returns setof jsonb
language sql stable security definer set search_path = '' as $$
  select public.settlement_line_view(l)
    from (
      select * from public.settlement_lines
        where settlement_id = p_settlement_id and (p_after is null or id > p_after)
          and case p_show when 'open' then status = 'open'
            when 'differing' then exists (select from public.reconciliation_exceptions e
              where e.line_id = settlement_lines.id and e.status = 'open')
            else true end
        order by id limit least(p_limit, 5001)
    ) l
    order by l.id
$$;
revoke all on function public.list_settlement_lines from public;
grant execute on function public.list_settlement_lines to studio;
