-- Checks the next p_limit payments after the id p_after (null: from the first): of all, or, with p_since, of those that something happened to
-- since then: made, settled, booked, given back, disputed, told to the merchant. Answers {checked, last, violations: [{invariant, detail}]};
-- the last slice has fewer than p_limit.
create or replace function public.check_payment_slice(p_since timestamptz, p_after uuid, p_limit integer) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_after constant uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
  v_since constant uuid := public.first_uuid_at(p_since);
  v_ids uuid[];
begin
  if p_since is null then
    select array_agg(id) into v_ids from (select id from public.transactions where id > v_after order by id limit p_limit) t;
  else
    select array_agg(id) into v_ids from (
      select id from (
        select id from public.transactions where id >= v_since
        union select transaction_id from public.payment_attempts where settled_at >= p_since
        union select transaction_id from public.wallet_entries where id >= v_since and transaction_id is not null
        union select transaction_id from public.webhook_events where id >= v_since
      ) t where id > v_after order by id limit p_limit) t;
  end if;
  return jsonb_build_object('checked', coalesce(cardinality(v_ids), 0), 'last', v_ids[cardinality(v_ids)],
    'violations', coalesce((select jsonb_agg(to_jsonb(c)) from public.check_payments(coalesce(v_ids, '{}')) c), '[]'));
end
$$;
revoke all on function public.check_payment_slice from public;
grant execute on function public.check_payment_slice to jobs;
