-- Changes what one address may do before anybody knows who it is; every process hears of it within a second. p_policy: the columns of
-- address_policy, all of them. Audited. Errors: LS044 reason_needed, LS323 invalid_address_policy. Locks: the row.
create or replace function public.save_address_policy(p_policy jsonb, p_reason text, p_actor text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_new constant public.address_policy := jsonb_populate_record(null::public.address_policy, p_policy || '{"id": 1}');
  v_before jsonb;
begin
  if coalesce(trim(p_reason), '') = '' then
    raise exception using errcode = 'LS044', message = 'say why the limits change';
  elsif v_new.requests_per_minute < 60 or v_new.burst_per_second < 5 then
    raise exception using errcode = 'LS323', message = 'so little shuts out payers who share an address',
      hint = 'Behind one address of a mobile network are thousands: allow at least 60 a minute and 5 at once.';
  elsif v_new.longest_block_seconds < v_new.block_seconds then
    raise exception using errcode = 'LS323', message = 'the longest block is shorter than the first',
      hint = 'Enter at least as many seconds for the longest as for the first.';
  end if;
  select to_jsonb(a) - 'id' into v_before from public.address_policy a for update;
  update public.address_policy set requests_per_minute = v_new.requests_per_minute, burst_per_second = v_new.burst_per_second,
    most_strikes = v_new.most_strikes, flood_factor = v_new.flood_factor, block_seconds = v_new.block_seconds,
    longest_block_seconds = v_new.longest_block_seconds;
  perform public.record_audit(p_actor, 'save_address_policy', 'address_policy', '1',
    jsonb_build_object('before', v_before, 'reason', trim(p_reason)) || (p_policy - 'id'));
exception
  when check_violation or not_null_violation then
    raise exception using errcode = 'LS323', message = 'these limits cannot be',
      hint = 'All six are whole numbers; strikes from 1, flood from 2 times the limit, the first block up to a day, the longest up to 30 days.';
end
$$;
revoke all on function public.save_address_policy from public;
grant execute on function public.save_address_policy to studio;
