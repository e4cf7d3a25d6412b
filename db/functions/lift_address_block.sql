-- Lets a blocked address in again, at once for all processes that hear of it (a second), and closes its alert. Audited.
-- Errors: LS320 no_such_block, LS321 not_blocked, LS044 reason_needed. Locks: the block.
create or replace function public.lift_address_block(p_id uuid, p_reason text, p_actor text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_block public.address_blocks;
begin
  if coalesce(trim(p_reason), '') = '' then
    raise exception using errcode = 'LS044', message = 'say why the address may come in again';
  end if;
  select * into v_block from public.address_blocks where id = p_id for update;
  if not found then
    raise exception using errcode = 'LS320', message = 'no such block', detail = p_id::text;
  elsif v_block.lifted_at is not null or v_block.blocked_until <= clock_timestamp() then
    raise exception using errcode = 'LS321', message = 'this address is not blocked any more', hint = 'Reload the list.';
  end if;
  update public.address_blocks
    set lifted_at = clock_timestamp(), lifted_by = coalesce(nullif(p_actor, ''), session_user), lift_reason = p_reason
    where id = p_id;
  delete from public.address_usage where address = v_block.address;
  update public.alerts set status = 'resolved', resolved_by = coalesce(nullif(p_actor, ''), session_user), note = p_reason
    where dedupe_key = 'address_blocked:' || host(v_block.address) and status <> 'resolved';
  perform public.record_audit(p_actor, 'lift_address_block', 'address_blocks', p_id::text,
    jsonb_build_object('address', host(v_block.address), 'reason', p_reason));
end
$$;
revoke all on function public.lift_address_block from public;
grant execute on function public.lift_address_block to studio;
