-- Opens an exception for each payment of a gateway that is paid, and each refund that is done, with us and that no settlement
-- report has, once the reports are known for all the days in which it had to be in one (settlement_accounts.settlement_days).
-- Payments from before the first known day are not missed. Each is looked for once; a report that has it later resolves the
-- exception. p_limit payments and as many refunds at a time, oldest first. Returns {judged, opened}.
-- Locks: the gateway's row of settlement_accounts.
create or replace function public.judge_missing_there(p_gateway_id uuid, p_limit integer default 5000) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_account public.settlement_accounts;
  v_begin timestamptz;
  v_end timestamptz;
  v_from timestamptz;
  v_to timestamptz;
  v_judged integer := 0;
  v_opened integer := 0;
  v_rows integer;
begin
  select * into v_account from public.settlement_accounts where gateway_id = p_gateway_id for update;
  if v_account.covered_to is null then
    return jsonb_build_object('judged', 0, 'opened', 0);
  end if;
  v_begin := v_account.covered_from::timestamp at time zone 'Asia/Kolkata';
  -- a payment of the last day that counts had settlement_days more days to be in a report
  v_end := least((v_account.covered_to - v_account.settlement_days + 1)::timestamp at time zone 'Asia/Kolkata', now());

  v_from := coalesce(v_account.payments_judged_to, v_begin);
  if v_from < v_end then
    select max(page.settled_at), count(*) into v_to, v_rows from (
      select settled_at from public.payment_attempts
        where gateway_id = p_gateway_id and settled_at >= v_from and settled_at < v_end
        order by settled_at limit p_limit) page;
    -- all of that moment, and the next page begins behind it
    v_to := case when v_rows < p_limit then v_end else v_to + interval '1 microsecond' end;
    with missing as (
      insert into public.reconciliation_exceptions (client_id, gateway_id, kind, attempt_id, expected, details)
        select a.client_id, a.gateway_id, 'missing_there', a.id, coalesce(a.payable_amount, a.amount),
            jsonb_build_object('order_id', t.order_id, 'psp_payment_id', a.psp_payment_id, 'paid_at', public.iso_time(a.settled_at),
              'covered_to', v_account.covered_to)
          from public.payment_attempts a join public.transactions t on t.id = a.transaction_id
          where a.gateway_id = p_gateway_id and a.settled_at >= v_from and a.settled_at < v_to and a.status = 'succeeded'
            and not exists (select from public.settlement_lines l
              where l.attempt_id = a.id and l.kind = 'payment' and l.status = 'matched')
          order by a.id
        on conflict (attempt_id) where kind = 'missing_there' and refund_id is null do nothing
        returning 1
    )
    select count(*) into v_opened from missing;
    v_judged := v_rows;
    update public.settlement_accounts set payments_judged_to = v_to where gateway_id = p_gateway_id;
  end if;

  v_from := coalesce(v_account.refunds_judged_to, v_begin);
  if v_from < v_end then
    select max(page.completed_at), count(*) into v_to, v_rows from (
      select completed_at from public.refunds
        where gateway_id = p_gateway_id and status = 'succeeded' and completed_at >= v_from and completed_at < v_end
        order by completed_at limit p_limit) page;
    v_to := case when v_rows < p_limit then v_end else v_to + interval '1 microsecond' end;
    with missing as (
      insert into public.reconciliation_exceptions (client_id, gateway_id, kind, attempt_id, refund_id, expected, details)
        select r.client_id, r.gateway_id, 'missing_there', r.attempt_id, r.id, r.amount,
            jsonb_build_object('order_id', t.order_id, 'psp_refund_id', r.psp_refund_id, 'refunded_at', public.iso_time(r.completed_at),
              'covered_to', v_account.covered_to)
          from public.refunds r join public.transactions t on t.id = r.transaction_id
          where r.gateway_id = p_gateway_id and r.status = 'succeeded' and r.completed_at >= v_from and r.completed_at < v_to
            and not exists (select from public.settlement_lines l where l.refund_id = r.id and l.status = 'matched')
          order by r.id
        on conflict (refund_id) where kind = 'missing_there' and refund_id is not null do nothing
        returning 1
    )
    select v_opened + count(*) into v_opened from missing;
    v_judged := v_judged + v_rows;
    update public.settlement_accounts set refunds_judged_to = v_to where gateway_id = p_gateway_id;
  end if;
  return jsonb_build_object('judged', v_judged, 'opened', v_opened);
end
$$;
revoke all on function public.judge_missing_there from public;
