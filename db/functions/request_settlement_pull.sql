-- An operator wants a gateway's settlement report pulled now. Safe to repeat: one job a gateway waits at most. Audited.
-- Errors: LS050 no_such_gateway.
create or replace function public.request_settlement_pull(p_gateway_id uuid, p_actor text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.settlement_accounts (gateway_id, client_id)
    select id, client_id from public.payment_gateways where id = p_gateway_id
    on conflict do nothing;
  if not exists (select from public.settlement_accounts where gateway_id = p_gateway_id) then
    raise exception using errcode = 'LS050', message = 'no such gateway', detail = coalesce(p_gateway_id::text, 'null');
  end if;
  perform graphile_worker.add_job(public.egress_task('pull_settlement', p_gateway_id), json_build_object('gateway_id', p_gateway_id),
    max_attempts => 3, job_key => 'pull_settlement:' || p_gateway_id, priority => -1);
  perform public.record_audit(p_actor, 'request_settlement_pull', 'payment_gateways', p_gateway_id::text, null);
end
$$;
revoke all on function public.request_settlement_pull from public;
grant execute on function public.request_settlement_pull to studio;
