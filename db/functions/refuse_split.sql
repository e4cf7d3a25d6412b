-- The PSP would not make an order with our part split off: it is made without, and the commission is due like any other. Operators are told,
-- once a gateway. p_error: {code, message}.
create or replace function public.refuse_split(p_attempt_id uuid, p_error jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_split public.payment_splits;
  v_gateway_id uuid;
begin
  update public.payment_splits set status = 'refused' where attempt_id = p_attempt_id and status = 'asked' returning * into v_split;
  if not found then
    return;
  end if;
  select gateway_id into strict v_gateway_id from public.payment_attempts where id = p_attempt_id;
  perform public.raise_alert('split_refused', 'warning',
    'A PSP refuses to split our commission off a gateway''s payments. They are taken without, and the commission is due. Check our account there, or switch the split off.',
    jsonb_build_object('gateway_id', v_gateway_id, 'attempt_id', p_attempt_id, 'account', v_split.account, 'error', p_error),
    'split_refused:' || v_gateway_id, v_split.client_id);
end
$$;
revoke all on function public.refuse_split from public;
grant execute on function public.refuse_split to jobs;
