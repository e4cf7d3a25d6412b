-- Stores a WhatsApp provider's webhook, whose sender the application has checked, and adds the job that reads it. Durable
-- when it returns; only then is the provider answered. False for a repetition (the same bytes). Takes away what is older than
-- thirty days, a few rows a call: the bodies hold people's phone numbers.
create or replace function public.accept_whatsapp_event(p_provider text, p_dedupe_key text, p_raw_body bytea) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  v_id uuid;
begin
  insert into public.whatsapp_events (provider, dedupe_key, raw_body) values (p_provider, p_dedupe_key, p_raw_body)
    on conflict on constraint whatsapp_events_provider_dedupe_key_key do nothing
    returning id into v_id;
  if v_id is null then
    return false;
  end if;
  perform graphile_worker.add_job('process_whatsapp_event', json_build_object('event_id', v_id), max_attempts => 5);
  delete from public.whatsapp_events where id in (select id from public.whatsapp_events
    where received_at < now() - interval '30 days' order by received_at limit 10 for update skip locked);
  return true;
end
$$;
revoke all on function public.accept_whatsapp_event from public;
grant execute on function public.accept_whatsapp_event to checkout;
