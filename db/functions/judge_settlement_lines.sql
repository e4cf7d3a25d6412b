-- Compares lines of settlement reports with our payments and refunds, which it only reads: matches each to the attempt or refund
-- that it names, opens an exception for each difference that has none yet, brings the figures of open ones up to date, and
-- resolves open ones that no longer hold ("explained", by system). What a person has resolved stays so.
--
-- A payment is known by the PSP's order id, else its payment id, else our reference; a refund by the PSP's refund id, else our
-- id, else as the one refund of its payment and amount whose answer from the PSP was lost. Gateways of the merchant with the
-- same account at the PSP count as one.
--   missing_with_us  nothing of ours fits
--   state            the PSP has settled what is not paid, or not refunded, with us: the PSP is asked about it
--   amount           another amount or currency; or the line's own sum does not add up by more than 2 paise
--   fee              differs by more than 2 paise from expected_fee, where that is known
--   duplicate        settled twice and not taken back; or a second payment of one order that is not given back
-- Returns how many exceptions were opened.
-- Locks: the lines in id order, settlements, exceptions of these lines. It only reads payments.
create or replace function public.judge_settlement_lines(p_line_ids uuid[]) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_opened integer;
  v_attempt_jobs graphile_worker.job_spec[];
  v_refund_jobs graphile_worker.job_spec[];
begin
  if coalesce(cardinality(p_line_ids), 0) = 0 then
    return 0;
  end if;
  perform from public.settlement_lines where id = any(p_line_ids) order by id for no key update;

  with line as (
    select l.*, g.provider, g.api_key,
        case when l.reference ~* '^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$' then l.reference::uuid end as our_id
      from public.settlement_lines l join public.payment_gateways g on g.id = l.gateway_id
      where l.id = any(p_line_ids) and l.status = 'open'
  ), found as (
    select l.id, coalesce(refund.attempt_id, attempt.id) as attempt_id, refund.id as refund_id, l.kind
      from line l
      left join lateral (
        select a.id from public.payment_gateways s join public.payment_attempts a on a.gateway_id = s.id and a.psp_order_id = l.psp_order_id
          where s.client_id = l.client_id and s.provider = l.provider and s.api_key = l.api_key
        union all
        (select a.id from public.payment_gateways s join public.payment_attempts a on a.gateway_id = s.id and a.psp_payment_id = l.psp_payment_id
          where s.client_id = l.client_id and s.provider = l.provider and s.api_key = l.api_key
          order by a.status = 'succeeded' desc, a.id desc limit 1)
        union all
        select a.id from public.payment_attempts a where a.id = l.our_id and a.client_id = l.client_id
        limit 1
      ) attempt on true
      left join lateral (
        select r.id, r.attempt_id from public.payment_gateways s join public.refunds r on r.gateway_id = s.id and r.psp_refund_id = l.psp_id
          where l.kind = 'refund' and s.client_id = l.client_id and s.provider = l.provider and s.api_key = l.api_key
        union all
        select r.id, r.attempt_id from public.refunds r where l.kind = 'refund' and r.id = l.our_id and r.client_id = l.client_id
        union all
        (select (array_agg(r.id))[1], (array_agg(r.attempt_id))[1] from public.payment_attempts a
          join public.refunds r on r.transaction_id = a.transaction_id
          where l.kind = 'refund' and a.id = attempt.id and r.psp_refund_id is null and r.amount = l.amount
            and r.status in ('unknown', 'pending') and (l.psp_payment_id is null or r.psp_payment_id = l.psp_payment_id)
          having count(*) = 1)
        limit 1
      ) refund on true
  ), matched as (
    update public.settlement_lines l set attempt_id = f.attempt_id, refund_id = f.refund_id,
        status = case when f.kind = 'payment' and f.attempt_id is not null or f.refund_id is not null then 'matched' else 'open' end
      from found f
      where l.id = f.id and (l.attempt_id, l.refund_id) is distinct from (f.attempt_id, f.refund_id)
      returning l.settlement_id, l.status
  )
  update public.settlements s set matched_count = matched_count + m.lines
    from (select settlement_id, count(*) as lines from matched where status = 'matched' group by settlement_id order by settlement_id) m
    where s.id = m.settlement_id;

  with line as (
    select l.*, a.status as attempt_status, a.psp_payment_id as paid_id, a.psp_order_id as ordered_id, a.method as paid_method, a.psp_fee,
        coalesce(a.payable_amount, a.amount) as attempt_amount, t.currency as ordered_currency, t.order_id,
        r.status as refund_status, r.amount as refunded, r.currency as refund_currency
      from public.settlement_lines l
      left join public.payment_attempts a on a.id = l.attempt_id
      left join public.transactions t on t.id = a.transaction_id
      left join public.refunds r on r.id = l.refund_id
      where l.id = any(p_line_ids) and l.kind in ('payment', 'refund')
  ), twice as (
    select l.id, other.id as other_id, other.settlement_id as other_settlement_id
      from line l cross join lateral (
        select o.id, o.settlement_id from public.settlement_lines o
          where o.id < l.id and o.kind = l.kind and o.gateway_id = l.gateway_id
            and (l.refund_id is not null and o.refund_id = l.refund_id
              or l.kind = 'payment' and o.attempt_id = l.attempt_id and o.psp_payment_id is not distinct from l.psp_payment_id)
          order by o.id limit 1
      ) other
      where l.status = 'matched' and not exists (select from public.settlement_lines back
        where l.psp_payment_id is not null and back.gateway_id = l.gateway_id and back.psp_payment_id = l.psp_payment_id
          and back.refund_id is null and back.kind <> 'payment' and back.debit = l.credit and l.credit > 0)
  ), verdict (line_id, kind, expected, stated, details) as (
    select id, 'missing_with_us', null::bigint, amount,
        jsonb_build_object('psp_id', psp_id, 'order_id', order_id)
      from line where status = 'open'
    union all
    select id, 'state', null, amount, jsonb_build_object('ours', attempt_status, 'theirs', 'captured', 'order_id', order_id)
      from line where status = 'matched' and kind = 'payment' and attempt_status <> 'succeeded'
    union all
    select id, 'state', null, amount, jsonb_build_object('ours', refund_status, 'theirs', 'refunded', 'order_id', order_id)
      from line where status = 'matched' and kind = 'refund' and refund_status <> 'succeeded'
    union all
    select l.id, 'duplicate', case when t.id is null then null else 0 end, l.credit - l.debit,
        jsonb_build_object('reason', case when t.id is null then 'second_payment' else 'settled_twice' end, 'order_id', l.order_id,
          'other_line_id', t.other_id, 'other_settlement_id', t.other_settlement_id)
      from line l left join twice t on t.id = l.id
      where l.status = 'matched' and (t.id is not null
        or l.kind = 'payment' and l.attempt_status = 'succeeded' and l.psp_payment_id <> l.paid_id
          and not exists (select from public.refunds back
            where back.attempt_id = l.attempt_id and back.psp_payment_id = l.psp_payment_id and back.status <> 'failed'))
    union all
    select id, 'amount', ours.amount, line.amount,
        jsonb_build_object('reason', case when line.currency = ours.currency then 'amount' else 'currency' end, 'order_id', order_id,
          'expected_currency', ours.currency, 'stated_currency', line.currency)
      from line cross join lateral (
        select case kind when 'payment' then attempt_amount else refunded end as amount,
          case kind when 'payment' then ordered_currency else refund_currency end as currency) ours
      where status = 'matched' and (line.amount <> ours.amount or line.currency <> ours.currency)
    union all
    select id, 'amount', amount - fee, credit - debit, jsonb_build_object('reason', 'net', 'order_id', order_id)
      from line
      where status = 'matched' and kind = 'payment' and abs(credit - debit - (amount - fee)) > 2
        and amount = attempt_amount and currency = ordered_currency
    union all
    select l.id, 'fee', f.fee, l.fee, jsonb_build_object('method', coalesce(l.paid_method, l.method), 'order_id', l.order_id)
      from line l cross join lateral (
        select public.expected_fee(l.gateway_id, coalesce(l.paid_method, l.method), l.amount, l.psp_fee) as fee) f
      where l.status = 'matched' and l.kind = 'payment' and l.attempt_status = 'succeeded' and abs(l.fee - f.fee) > 2
  ), opened as (
    insert into public.reconciliation_exceptions as e (client_id, gateway_id, kind, line_id, attempt_id, refund_id, expected, stated, details)
      select l.client_id, l.gateway_id, v.kind, v.line_id, l.attempt_id, l.refund_id, v.expected, v.stated, jsonb_strip_nulls(v.details)
        from verdict v join public.settlement_lines l on l.id = v.line_id
        order by v.line_id, v.kind
      on conflict (line_id, kind) where line_id is not null do update
        set expected = excluded.expected, stated = excluded.stated, details = excluded.details,
          attempt_id = excluded.attempt_id, refund_id = excluded.refund_id
        where e.status = 'open' and (e.expected, e.stated, e.details, e.attempt_id, e.refund_id)
          is distinct from (excluded.expected, excluded.stated, excluded.details, excluded.attempt_id, excluded.refund_id)
      returning new.kind, new.attempt_id, new.refund_id, old.id is null as is_new
  ), explained as (
    update public.reconciliation_exceptions e set status = 'resolved', resolution = 'explained', resolved_by = 'system',
        resolved_at = now(), resolution_reason = case e.kind
          when 'missing_with_us' then 'What the line is about is known with us now.'
          when 'state' then 'Our state agrees with the PSP''s now.'
          when 'duplicate' then 'It was given back or taken back.'
          else 'A later report or new terms agree with our figures.' end
      where e.line_id = any(p_line_ids) and e.status = 'open'
        and not exists (select from verdict v where v.line_id = e.line_id and v.kind = e.kind)
  ), found as (
    update public.reconciliation_exceptions e set status = 'resolved', resolution = 'explained', resolved_by = 'system',
        resolved_at = now(), resolution_reason = 'A later report has it.'
      from line l
      where e.kind = 'missing_there' and e.status = 'open' and l.status = 'matched'
        and (l.kind = 'payment' and e.attempt_id = l.attempt_id and e.refund_id is null or l.refund_id is not null and e.refund_id = l.refund_id)
  )
  select count(*) filter (where is_new),
      array_agg((public.egress_task(task.name, a.gateway_id), json_build_object('attempt_id', a.id), null, null, task.tries,
        task.name || ':' || a.id, null, null)::graphile_worker.job_spec) filter (where is_new and a.id is not null and o.refund_id is null),
      array_agg((public.egress_task('refund_payment', r.gateway_id), json_build_object('refund_id', r.id), null, null, 5,
        'refund_payment:' || r.id, null, null)::graphile_worker.job_spec) filter (where is_new and r.id is not null)
    into v_opened, v_attempt_jobs, v_refund_jobs
    from opened o
    left join public.payment_attempts a on a.id = o.attempt_id and o.kind = 'state'
    left join public.refunds r on r.id = o.refund_id and o.kind = 'state' and r.status in ('created', 'pending', 'unknown')
    cross join lateral (select case when a.psp_order_id is null then 'create_psp_order' else 'confirm_attempt' end as name,
      case when a.psp_order_id is null then 3 else 5 end as tries) task;
  if v_attempt_jobs is not null or v_refund_jobs is not null then
    perform graphile_worker.add_jobs(v_attempt_jobs || v_refund_jobs);
  end if;
  return v_opened;
end
$$;
revoke all on function public.judge_settlement_lines from public;
