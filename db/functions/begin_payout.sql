-- Claims the sending of a payout to its PSP, or asking what became of it: marks it started, in a commit before the PSP is called, and
-- returns what the call needs (secrets as ciphertext). started_before: an earlier run may have reached the PSP, so the payout
-- is to be looked up by its id, our reference, before anything else.
-- Before the first call the amount follows the balance down, when part of it was settled meanwhile; a payout of which less than a rupee
-- is left fails as no_longer_due. Null when nothing is to be done.
-- Locks: the payout, the client's wallet. Errors: LS273 no_such_payout, LS270 no_collection_account.
create or replace function public.begin_payout(p_payout_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_payout public.payouts;
  v_balance bigint;
  v_amount bigint;
  v_account public.collection_accounts;
begin
  select * into v_payout from public.payouts where id = p_payout_id for update;
  if not found then
    raise exception using errcode = 'LS273', message = 'no such payout', detail = coalesce(p_payout_id::text, 'null');
  end if;
  if v_payout.status not in ('queued', 'processing') and v_payout.started_at is null then
    return null;
  end if;
  select balance_due into strict v_balance from public.wallets where client_id = v_payout.client_id for update;
  v_amount := case when v_payout.started_at is null then least(v_payout.amount, v_balance) else v_payout.amount end;
  if v_payout.started_at is null and v_amount < 100 then
    update public.payouts set status = 'failed', error_code = 'no_longer_due', updated_at = now(),
        error_message = 'What was due was settled before it could be collected.'
      where id = p_payout_id;
    return null;
  end if;
  select * into v_account from public.collection_accounts where client_id = v_payout.client_id;
  if not found then
    raise exception using errcode = 'LS270', message = 'the merchant has no collection account', detail = v_payout.client_id::text;
  end if;
  update public.payouts set
      amount = v_amount,
      status = case status when 'queued' then 'processing' else status end,
      started_at = coalesce(started_at, now()), updated_at = now(),
      next_lookup_at = case when status in ('queued', 'processing') then greatest(next_lookup_at, now() + interval '2 minutes') else next_lookup_at end
    where id = p_payout_id;
  return jsonb_build_object('payout_id', v_payout.id, 'client_id', v_payout.client_id, 'status', v_payout.status,
    'started_before', v_payout.started_at is not null, 'psp_payout_id', v_payout.psp_payout_id, 'provider', v_payout.provider,
    'amount', v_amount, 'balance_due', v_balance, 'destination', v_payout.destination, 'mode', v_payout.mode,
    'account', public.sealed_collection_account(v_account) || jsonb_build_object('source_account', v_payout.source_account));
end
$$;
revoke all on function public.begin_payout from public;
grant execute on function public.begin_payout to jobs;
