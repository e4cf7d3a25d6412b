-- Somebody wants to pay through a link: answers with the payment to pay. A single-use link answers with its open payment
-- while there is one, so that two payers at once pay the same; otherwise a new payment is initiated under the order id
-- link_<code>_<n> (is_new). An error code of the merchant API comes back in place of a transaction where initiate_payments refuses.
-- A link begins at most sixty payments a minute, so that a stranger cannot use up what the merchant may take.
-- Errors: LS003 rate_limited, LS029 no_such_link, LS034 link_closed (detail: its status).
-- Locks: the link, then as initiate_payments.
create or replace function public.open_payment_link(p_code text)
returns table (transaction_id uuid, is_new boolean, error_code text, error_param text, retry_after_seconds integer)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_link public.payment_links;
  v_status text;
  v_made record;
begin
  select * into v_link from public.payment_links where code = p_code for update;
  if not found then
    raise exception using errcode = 'LS029', message = 'no such payment link';
  end if;
  v_status := public.payment_link_status(v_link);
  if v_status <> 'active' then
    raise exception using errcode = 'LS034', message = 'this payment link is closed', detail = v_status;
  end if;
  if v_link.usage = 'single' then
    return query
      select t.id, false, null::text, null::text, null::integer from public.payment_link_payments p
        join public.transactions t on t.id = p.transaction_id
        where p.payment_link_id = v_link.id and t.status in ('created', 'pending', 'failed') and t.expires_at > now()
        order by t.id desc limit 1;
    if found then
      return;
    end if;
  end if;
  if (select count(*) from public.payment_link_payments p
      where p.payment_link_id = v_link.id and p.transaction_id > uuidv7(interval '-1 minute')) >= 60 then
    raise exception using errcode = 'LS003', message = 'this link was opened too often', detail = '60';
  end if;
  select i.* into strict v_made from public.initiate_payments(jsonb_build_array(jsonb_build_object(
    'client_id', v_link.client_id, 'client_key', (select client_key from public.clients where id = v_link.client_id),
    'order_id', format('link_%s_%s', v_link.code, v_link.payments_begun + 1), 'amount', v_link.amount, 'currency', v_link.currency,
    'description', v_link.description, 'redirect_url', v_link.redirect_url,
    'metadata', jsonb_strip_nulls(jsonb_build_object('payment_link_id', v_link.id, 'reference', v_link.reference))))) i;
  if v_made.error_code is null then
    update public.payment_links set payments_begun = payments_begun + 1 where id = v_link.id;
    insert into public.payment_link_payments (transaction_id, payment_link_id, client_id)
      values (v_made.transaction_id, v_link.id, v_link.client_id);
  end if;
  return query select v_made.transaction_id, true, v_made.error_code, v_made.error_param, v_made.retry_after_seconds;
end
$$;
revoke all on function public.open_payment_link from public;
grant execute on function public.open_payment_link to checkout;
