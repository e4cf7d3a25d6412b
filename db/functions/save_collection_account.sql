-- Enters or changes the account from which a merchant's dues are collected, with a reason. p_account: {provider, api_key, source_account,
-- destination, mode, threshold (paise), is_enabled, egress_group}; p_api_secret and p_webhook_secret: ciphertexts, null leaves what is kept.
-- Another key, provider or account needs its own secret. While a payout is under way, where it was asked for stays: else it could not be
-- looked up, and might be paid twice. Audited without secrets.
-- Errors: LS044 reason_needed, LS022 no_such_client, LS274 invalid_collection_account, LS271 payout_under_way.
-- Locks: the client's wallet.
create or replace function public.save_collection_account(
  p_client_id uuid, p_account jsonb, p_api_secret text, p_webhook_secret text, p_reason text, p_actor text
) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_before public.collection_accounts;
  v_after public.collection_accounts;
  v_is_other boolean;
  v_constraint text;
begin
  if coalesce(length(trim(p_reason)), 0) = 0 then
    raise exception using errcode = 'LS044', message = 'say why', hint = 'The reason is kept in the audit trail.';
  end if;
  perform from public.wallets where client_id = p_client_id for update;
  if not found then
    raise exception using errcode = 'LS022', message = 'no such client', detail = coalesce(p_client_id::text, 'null');
  end if;
  select * into v_before from public.collection_accounts where client_id = p_client_id;
  v_after := jsonb_populate_record(v_before, p_account - array['client_id', 'api_secret', 'webhook_secret', 'created_at', 'updated_at']);
  v_is_other := (v_after.provider, v_after.api_key) is distinct from (v_before.provider, v_before.api_key);
  if v_is_other and p_api_secret is null then
    raise exception using errcode = 'LS274', message = 'the secret is missing', detail = 'api_secret',
      hint = 'Enter the secret that belongs to this key.';
  end if;
  if v_before.client_id is not null
      and (v_after.provider, v_after.source_account, v_after.egress_group) is distinct from (v_before.provider, v_before.source_account, v_before.egress_group)
      and exists (select from public.payouts where client_id = p_client_id and status in ('queued', 'processing')) then
    raise exception using errcode = 'LS271', message = 'a payout from this account is under way', hint = 'Wait until it is settled.';
  end if;
  begin
    insert into public.collection_accounts (client_id, provider, api_key, api_secret, webhook_secret, source_account, destination, mode,
        threshold, is_enabled, egress_group)
      values (p_client_id, v_after.provider, v_after.api_key, coalesce(p_api_secret, v_before.api_secret), p_webhook_secret, v_after.source_account, v_after.destination,
        coalesce(v_after.mode, 'NEFT'), coalesce(v_after.threshold, 10000), coalesce(v_after.is_enabled, true), v_after.egress_group)
      on conflict on constraint collection_accounts_pkey do update set
        provider = excluded.provider, api_key = excluded.api_key, source_account = excluded.source_account,
        api_secret = excluded.api_secret,
        webhook_secret = case when p_webhook_secret is not null then p_webhook_secret when v_is_other then null else v_before.webhook_secret end,
        destination = excluded.destination, mode = excluded.mode, threshold = excluded.threshold, is_enabled = excluded.is_enabled,
        egress_group = excluded.egress_group, updated_at = now();
  exception
    when check_violation or not_null_violation or unique_violation then
      get stacked diagnostics v_constraint = constraint_name;
      raise exception using errcode = 'LS274', message = 'this is no account that can be collected from',
        detail = coalesce(nullif(v_constraint, ''), 'missing'),
        hint = case v_constraint
          when 'collection_accounts_api_key_source_account_key' then 'Another merchant is collected from this account: each has its own.'
          when 'collection_accounts_razorpay_check' then 'RazorpayX needs the account number to debit, and our fund account (fa_ and 14 letters or digits).'
          when 'collection_accounts_threshold_check' then 'A rupee is the least that can be paid out.'
          else 'Check provider, key, accounts and mode.' end;
  end;
  perform public.record_audit(p_actor, 'save_collection_account', 'collection_accounts', p_client_id::text,
    (select to_jsonb(a) - array['api_secret', 'webhook_secret'] from public.collection_accounts a where a.client_id = p_client_id)
      || jsonb_build_object('reason', left(trim(p_reason), 500), 'api_secret', case when p_api_secret is null then 'kept' else 'replaced' end,
        'webhook_secret', case when p_webhook_secret is null then 'kept' else 'replaced' end));
end
$$;
revoke all on function public.save_collection_account from public;
grant execute on function public.save_collection_account to studio;
