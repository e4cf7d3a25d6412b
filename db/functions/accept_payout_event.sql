-- Stores what a PSP tells of a payout, whose signature the application has checked, and adds the job that asks the PSP what became of
-- it: what is told is never booked by itself. Durable when it returns; only then is the PSP answered. True when it is new; a
-- repetition (same client and dedupe key) stores nothing. p_payout_id: our reference, if the event carries one.
create or replace function public.accept_payout_event(
  p_client_id uuid, p_provider text, p_dedupe_key text, p_event_type text, p_raw_body bytea, p_payout_id uuid
) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  v_payout_id constant uuid := (select id from public.payouts where id = p_payout_id and client_id = p_client_id and started_at is not null);
begin
  insert into public.payout_events (client_id, payout_id, provider, dedupe_key, event_type, raw_body)
    values (p_client_id, v_payout_id, p_provider, p_dedupe_key, p_event_type, p_raw_body)
    on conflict on constraint payout_events_client_id_dedupe_key_key do nothing;
  if not found then
    return false;
  end if;
  if v_payout_id is not null then
    -- no job key: a look-up that is at work may have asked before this was so
    perform graphile_worker.add_job(public.collection_task(p_client_id), json_build_object('payout_id', v_payout_id), max_attempts => 5);
  end if;
  return true;
end
$$;
revoke all on function public.accept_payout_event from public;
grant execute on function public.accept_payout_event to checkout;
