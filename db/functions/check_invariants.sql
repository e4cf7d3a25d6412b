-- Looks for what must never be, in all there is. No row is the pass; each row names an invariant and where it is broken. Reads only; safe at
-- any time, and sees one moment. Over millions of payments it takes minutes, in which no dead row is cleaned up: schedules ask slice by
-- slice instead (check_payment_slice, check_wallet_slice), hourly for what has changed and nightly for all.
create or replace function public.check_invariants() returns table (invariant text, detail text)
language plpgsql stable security definer set search_path = '' as $$
declare
  v_after uuid := '00000000-0000-0000-0000-000000000000';
  v_ids uuid[];
begin
  loop
    select array_agg(id) into v_ids from (select id from public.transactions where id > v_after order by id limit 20000) t;
    exit when v_ids is null;
    return query select c.invariant, c.detail from public.check_payments(v_ids) c;
    v_after := v_ids[cardinality(v_ids)];
  end loop;
  v_after := '00000000-0000-0000-0000-000000000000';
  loop
    select array_agg(client_id) into v_ids from (select client_id from public.wallets where client_id > v_after order by 1 limit 200) w;
    exit when v_ids is null;
    return query select c.invariant, c.detail from public.check_wallets(v_ids, true) c;
    v_after := v_ids[cardinality(v_ids)];
  end loop;
  return query select c.invariant, c.detail from public.check_books(null) c;
  return query select c.invariant, c.detail from public.check_gateway_volumes() c;
end
$$;
revoke all on function public.check_invariants from public;
grant execute on function public.check_invariants to jobs, studio;
