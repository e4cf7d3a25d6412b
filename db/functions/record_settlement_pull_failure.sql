-- The PSP did not give a day's settlement report. p_error: {code, message, …} as the adapter gives it. Asked again with the next
-- pull; when a gateway's pulls have failed for a day, an alert is raised.
-- Locks: the gateway's row of settlement_accounts, alerts.
create or replace function public.record_settlement_pull_failure(p_gateway_id uuid, p_day date, p_error jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_account public.settlement_accounts;
begin
  insert into public.settlement_accounts as s (gateway_id, client_id, failing_since, last_error)
    select id, client_id, now(), p_error || jsonb_build_object('day', p_day) from public.payment_gateways where id = p_gateway_id
    on conflict (gateway_id) do update set failing_since = coalesce(s.failing_since, now()), last_error = excluded.last_error
    returning * into v_account;
  if v_account.failing_since < now() - interval '1 day' then
    perform public.raise_alert('settlement_pull_fails', 'warning',
      'The settlement report of a gateway could not be pulled for more than a day, so its payments are not compared with the PSP''s.',
      jsonb_build_object('gateway_id', p_gateway_id, 'day', p_day, 'error', p_error, 'failing_since', public.iso_time(v_account.failing_since)),
      'settlement_pull_fails:' || p_gateway_id, v_account.client_id);
  end if;
end
$$;
revoke all on function public.record_settlement_pull_failure from public;
grant execute on function public.record_settlement_pull_failure to jobs;
