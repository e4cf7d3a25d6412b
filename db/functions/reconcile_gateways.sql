-- One step of the nightly comparison: the gateways behind p_after in id order, p_limit of them. Takes the bank statements of
-- direct UPI gateways, and looks for what no report has. Returns {next (null: all done), gateways, judged, opened}; a gateway with
-- more than p_page payments to judge is come back to, so that a step is bounded.
-- Locks: one gateway's row of settlement_accounts after the other, each with what judge_missing_there takes.
create or replace function public.reconcile_gateways(p_after uuid, p_limit integer default 50, p_page integer default 5000) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_gateway record;
  v_done jsonb;
  v_next uuid := p_after;
  v_gateways integer := 0;
  v_judged bigint := 0;
  v_opened bigint := 0;
begin
  if p_after is null then
    -- a direct UPI gateway joins with its first statement
    insert into public.settlement_accounts (gateway_id, client_id)
      select distinct gateway_id, client_id from public.bank_statements order by gateway_id on conflict do nothing;
  end if;
  for v_gateway in
    select s.gateway_id, g.provider from public.settlement_accounts s join public.payment_gateways g on g.id = s.gateway_id
      where p_after is null or s.gateway_id > p_after
      order by s.gateway_id limit p_limit
  loop
    if v_gateway.provider = 'upi' then
      perform public.take_bank_statements(v_gateway.gateway_id);
    end if;
    v_done := public.judge_missing_there(v_gateway.gateway_id, p_page);
    v_judged := v_judged + (v_done ->> 'judged')::bigint;
    v_opened := v_opened + (v_done ->> 'opened')::bigint;
    if (v_done ->> 'judged')::integer >= p_page then
      return jsonb_build_object('next', v_next, 'again', true, 'gateways', v_gateways, 'judged', v_judged, 'opened', v_opened);
    end if;
    v_next := v_gateway.gateway_id;
    v_gateways := v_gateways + 1;
  end loop;
  return jsonb_build_object('next', case when v_gateways = p_limit then v_next end, 'again', false, 'gateways', v_gateways,
    'judged', v_judged, 'opened', v_opened);
end
$$;
revoke all on function public.reconcile_gateways from public;
grant execute on function public.reconcile_gateways to jobs;
