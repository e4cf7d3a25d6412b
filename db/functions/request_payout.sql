-- Collects what a merchant owes now, outside of the nightly sweep and whatever its threshold, because somebody asks for it, with a reason.
-- Returns payout_view.
-- Errors: LS044 reason_needed, LS022 no_such_client, LS270 no_collection_account, LS271 payout_under_way, LS272 nothing_to_collect.
-- Locks: the client's wallet, for the time of reading its balance.
create or replace function public.request_payout(p_client_id uuid, p_reason text, p_actor text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_balance bigint;
  v_account public.collection_accounts;
  v_payout public.payouts;
begin
  if coalesce(length(trim(p_reason)), 0) = 0 then
    raise exception using errcode = 'LS044', message = 'say why', hint = 'The reason is kept in the audit trail.';
  end if;
  select balance_due into v_balance from public.wallets where client_id = p_client_id for update;
  if not found then
    raise exception using errcode = 'LS022', message = 'no such client', detail = coalesce(p_client_id::text, 'null');
  end if;
  select * into v_account from public.collection_accounts where client_id = p_client_id and is_enabled;
  if not found then
    raise exception using errcode = 'LS270', message = 'nothing can be collected from this merchant',
      hint = 'Enter its account for payouts under Collection settings, and switch it on.';
  end if;
  if v_balance < 100 then
    raise exception using errcode = 'LS272', message = 'there is nothing to collect', detail = v_balance::text,
      hint = 'A rupee is the least that can be paid out.';
  end if;
  insert into public.payouts (client_id, collected_for, amount, provider, source_account, destination, mode, kind, asked_by, reason)
    values (p_client_id, (now() at time zone 'Asia/Kolkata')::date, v_balance, v_account.provider, v_account.source_account,
      v_account.destination, v_account.mode, 'asked', coalesce(nullif(p_actor, ''), session_user), left(trim(p_reason), 500))
    on conflict do nothing
    returning * into v_payout;
  if not found then
    raise exception using errcode = 'LS271', message = 'what this merchant owes is being collected already',
      hint = 'Wait for the payout that is under way.';
  end if;
  perform graphile_worker.add_job(public.collection_task(p_client_id), json_build_object('payout_id', v_payout.id), max_attempts => 5,
    job_key => 'collect_payout:' || v_payout.id);
  perform public.record_audit(p_actor, 'request_payout', 'payouts', v_payout.id::text,
    jsonb_build_object('client_id', p_client_id, 'amount', v_payout.amount, 'reason', v_payout.reason));
  return public.payout_view(v_payout);
end
$$;
revoke all on function public.request_payout from public;
grant execute on function public.request_payout to studio;
