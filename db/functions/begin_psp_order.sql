-- Claims the making of an attempt's order at the PSP: marks it started (before the PSP is called, so that a later run
-- knows an order may exist) and returns attempt_work. Null when nothing is left to do: the order is known, or the payment
-- ended meanwhile.
create or replace function public.begin_psp_order(p_attempt_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_work jsonb := public.attempt_work(p_attempt_id);
  v_started_before constant boolean := (v_work ->> 'started_before')::boolean;
begin
  if v_work is null or v_work ->> 'attempt_status' not in ('created', 'unknown') or v_work ->> 'psp_order_id' is not null then
    return null;
  end if;
  if not v_started_before and v_work -> 'transaction' ->> 'status' not in ('created', 'pending', 'failed') then
    return null;
  end if;
  update public.payment_attempts
    set started_at = coalesce(started_at, now()), next_lookup_at = now() + interval '2 minutes', updated_at = now()
    where id = p_attempt_id;
  if v_work -> 'gateway' ->> 'provider' = 'upi' then
    perform public.mark_upi_amount(p_attempt_id);
    v_work := jsonb_set(public.attempt_work(p_attempt_id), '{started_before}', to_jsonb(v_started_before));
  elsif not v_started_before and (v_work -> 'gateway' ->> 'splits')::boolean then
    perform public.ask_split(p_attempt_id);
    v_work := jsonb_set(public.attempt_work(p_attempt_id), '{started_before}', to_jsonb(v_started_before));
  end if;
  return v_work;
end
$$;
revoke all on function public.begin_psp_order from public;
grant execute on function public.begin_psp_order to jobs;
