-- Takes lines of a report that is open (begin_settlement_report), some thousand at a time, matches them to attempts and refunds
-- and opens an exception for each difference. A line that an earlier report has brought changes nothing; where its amounts
-- differ now, the new ones count, the old ones are kept in `earlier`, and it is judged anew. No payment is changed.
--
-- p_lines: [{kind, psp_kind, psp_id, occurrence, psp_payment_id, psp_order_id, reference, psp_settlement_id, amount, credit,
-- debit, fee (GST included), tax, currency, method, utr, settled_at, details}], paise. A line belongs to the settlement that it
-- names, else to that with its UTR, else to that of its day. Returns {lines, new, changed, repeated}.
-- Errors: LS252 unreadable_settlement_line.
-- Locks: settlements in the order of their ids at the PSP, their lines. The caller holds the row of settlement_accounts.
create or replace function public.record_settlement_lines(p_report_id uuid, p_lines jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_report public.settlement_reports;
  v_fallback date;
  v_named record;
  v_settlement_id uuid;
  v_settlements jsonb := '{}';
  v_count constant integer := jsonb_array_length(p_lines);
  v_changed uuid[];
  v_new integer;
begin
  select * into strict v_report from public.settlement_reports where id = p_report_id;
  v_fallback := coalesce(v_report.day, (now() at time zone 'Asia/Kolkata')::date);
  if exists (
      select from jsonb_to_recordset(p_lines) l (kind text, psp_id text, amount bigint, credit bigint, debit bigint, fee bigint,
          tax bigint, currency text)
        where l.kind not in ('payment', 'refund', 'transfer', 'adjustment', 'other') or l.psp_id = '' or l.currency !~ '^[A-Z]{3}$'
          or l.credit < 0 or l.debit < 0
          or num_nulls(l.kind, l.psp_id, l.amount, l.credit, l.debit, l.fee, l.tax, l.currency) > 0) then
    raise exception using errcode = 'LS252', message = 'a line of the settlement report cannot be read';
  end if;

  for v_named in
    select l.psp_settlement_id, l.utr, l.currency, coalesce((l.settled_at at time zone 'Asia/Kolkata')::date, v_fallback) as settled_on
      from jsonb_to_recordset(p_lines) l (psp_settlement_id text, utr text, currency text, settled_at timestamptz)
      group by 1, 2, 3, 4 order by 1, 2, 3, 4
  loop
    -- The same settlement has its PSP's id in one report and only the bank's UTR in another.
    select id into v_settlement_id from public.settlements
      where gateway_id = v_report.gateway_id and currency = v_named.currency and (psp_settlement_id = v_named.psp_settlement_id
        or (v_named.psp_settlement_id is null or psp_settlement_id = 'utr:' || v_named.utr) and utr = v_named.utr)
      order by psp_settlement_id = v_named.psp_settlement_id desc, id limit 1;
    if v_settlement_id is null then
      insert into public.settlements (client_id, gateway_id, psp_settlement_id, currency, utr, settled_on)
        values (v_report.client_id, v_report.gateway_id,
          coalesce(v_named.psp_settlement_id, 'utr:' || v_named.utr, 'day:' || v_named.settled_on), v_named.currency, v_named.utr, v_named.settled_on)
        on conflict on constraint settlements_gateway_id_psp_settlement_id_currency_key do update set updated_at = now()
        returning id into strict v_settlement_id;
    elsif v_named.psp_settlement_id is not null or v_named.utr is not null then
      update public.settlements s set psp_settlement_id = coalesce(v_named.psp_settlement_id, s.psp_settlement_id),
          utr = coalesce(s.utr, v_named.utr), updated_at = now()
        where id = v_settlement_id and (s.psp_settlement_id is distinct from coalesce(v_named.psp_settlement_id, s.psp_settlement_id)
          or s.utr is null and v_named.utr is not null);
    end if;
    v_settlements := v_settlements || jsonb_build_object(
      concat_ws('|', coalesce(v_named.psp_settlement_id, '-'), coalesce(v_named.utr, '-'), v_named.currency, v_named.settled_on), v_settlement_id);
  end loop;

  with input as (
    select (v_settlements ->> concat_ws('|', coalesce(l.psp_settlement_id, '-'), coalesce(l.utr, '-'), l.currency,
        coalesce((l.settled_at at time zone 'Asia/Kolkata')::date, v_fallback)))::uuid as settlement_id, l.*
      from rows from (jsonb_to_recordset(p_lines) as (kind text, psp_kind text, psp_id text, occurrence integer, psp_payment_id text,
        psp_order_id text, reference text, psp_settlement_id text, amount bigint, credit bigint, debit bigint, fee bigint,
        tax bigint, currency text, method text, utr text, settled_at timestamptz, details jsonb)) with ordinality l
  ), single as (
    -- a page that brings the same line twice is no reason to fail
    select distinct on (settlement_id, kind, psp_id, coalesce(occurrence, 1)) *
      from input order by settlement_id, kind, psp_id, coalesce(occurrence, 1), ordinality
  ), written as (
    insert into public.settlement_lines as l (settlement_id, client_id, gateway_id, kind, psp_kind, psp_id, occurrence,
        psp_payment_id, psp_order_id, reference, amount, credit, debit, fee, tax, currency, method, utr, settled_at, details,
        status, report_id)
      select i.settlement_id, v_report.client_id, v_report.gateway_id, i.kind, i.psp_kind, i.psp_id, coalesce(i.occurrence, 1),
          i.psp_payment_id, i.psp_order_id, i.reference, i.amount, i.credit, i.debit, i.fee, i.tax, i.currency, i.method, i.utr,
          i.settled_at, coalesce(i.details, '{}'), case when i.kind in ('payment', 'refund') then 'open' else 'informative' end, p_report_id
        from single i
        order by i.ordinality
      on conflict on constraint settlement_lines_settlement_id_kind_psp_id_occurrence_key do update
        set amount = excluded.amount, credit = excluded.credit, debit = excluded.debit, fee = excluded.fee, tax = excluded.tax,
          currency = excluded.currency,
          earlier = coalesce(l.earlier, '[]') || jsonb_build_object('amount', l.amount, 'credit', l.credit, 'debit', l.debit,
            'fee', l.fee, 'tax', l.tax, 'replaced_at', public.iso_time(now()))
        where (l.amount, l.credit, l.debit, l.fee, l.tax, l.currency)
          is distinct from (excluded.amount, excluded.credit, excluded.debit, excluded.fee, excluded.tax, excluded.currency)
      returning new.id, new.settlement_id, new.kind, old.id is null as is_new,
        new.amount - coalesce(old.amount, 0) as amount, new.credit - coalesce(old.credit, 0) as credit,
        new.debit - coalesce(old.debit, 0) as debit, new.fee - coalesce(old.fee, 0) as fee, new.tax - coalesce(old.tax, 0) as tax
  ), summed as (
    update public.settlements s set updated_at = now(),
        line_count = s.line_count + w.lines, payment_count = s.payment_count + w.payments, refund_count = s.refund_count + w.refunds,
        payment_amount = s.payment_amount + w.payment_amount, refund_amount = s.refund_amount + w.refund_amount,
        other_amount = s.other_amount + w.other_amount, fee = s.fee + w.fee, tax = s.tax + w.tax, net = s.net + w.net
      from (
        select settlement_id, count(*) filter (where is_new) as lines,
            count(*) filter (where is_new and kind = 'payment') as payments, count(*) filter (where is_new and kind = 'refund') as refunds,
            coalesce(sum(amount) filter (where kind = 'payment'), 0) as payment_amount,
            coalesce(sum(amount) filter (where kind = 'refund'), 0) as refund_amount,
            coalesce(sum(credit - debit) filter (where kind not in ('payment', 'refund')), 0) as other_amount,
            sum(fee) as fee, sum(tax) as tax, sum(credit - debit) as net
          from written group by settlement_id order by settlement_id
      ) w
      where s.id = w.settlement_id
  )
  select array_agg(id), count(*) filter (where is_new) into v_changed, v_new from written;

  perform public.judge_settlement_lines(v_changed);
  update public.settlement_reports set line_count = line_count + v_count, new_count = new_count + v_new,
      changed_count = changed_count + coalesce(cardinality(v_changed), 0) - v_new,
      repeated_count = repeated_count + v_count - coalesce(cardinality(v_changed), 0)
    where id = p_report_id;
  return jsonb_build_object('lines', v_count, 'new', v_new, 'changed', coalesce(cardinality(v_changed), 0) - v_new,
    'repeated', v_count - coalesce(cardinality(v_changed), 0));
end
$$;
revoke all on function public.record_settlement_lines from public;
grant execute on function public.record_settlement_lines to jobs, studio;
