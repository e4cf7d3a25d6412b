-- Applies what the provider tells of a message: sent, delivered, read or failed. Any order, any number of times: it only
-- moves forward; a delivery that is told after a failure is believed, as somebody has it.
--
-- p_status: {message_id, reference (our id, where the provider gives it back), status: accepted|sent|delivered|read|failed, at
-- (seconds since 1970), recipient, code, message, action}
-- A message whose answer was lost is found by our reference; where the provider gives none back, by its recipient, if it is
-- the only one lost there within the hour.
-- failed with action retry or delay is tried again (see retry_whatsapp): the provider says that it was not sent.
-- Returns applied, unchanged, no_message, or too_early: the call that it is about has not come back yet.
-- Locks: the message.
create or replace function public.record_whatsapp_status(p_provider text, p_status jsonb) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_status constant text := p_status ->> 'status';
  v_message_id constant text := p_status ->> 'message_id';
  v_rank constant jsonb := '{"queued": 0, "sending": 0, "unknown": 0, "accepted": 1, "sent": 2, "failed": 2, "delivered": 3, "read": 4}';
  v_message public.whatsapp_notifications;
  v_at constant timestamptz := least(clock_timestamp(), coalesce(to_timestamp((p_status ->> 'at')::double precision), clock_timestamp()));
  v_lost uuid[];
begin
  select * into v_message from public.whatsapp_notifications
    where provider = p_provider and provider_message_id = v_message_id for update;
  if not found and p_status ->> 'reference' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    select * into v_message from public.whatsapp_notifications
      where id = (p_status ->> 'reference')::uuid and provider = p_provider for update;
    -- An earlier try of it; only that somebody has it counts.
    if v_message.provider_message_id is not null and v_status not in ('delivered', 'read') then
      return 'unchanged';
    end if;
  end if;
  if v_message.id is null then
    select array_agg(id) into v_lost from public.whatsapp_notifications
      where recipient = p_status ->> 'recipient' and provider = p_provider and status in ('unknown', 'sending')
        and updated_at > now() - interval '1 hour';
    -- Another report about it, worked off at the same time, may have given it its id since it was first looked for.
    select * into v_message from public.whatsapp_notifications
      where provider = p_provider and provider_message_id = v_message_id for update;
    if not found then
      if v_lost is null then
        return 'no_message';
      end if;
      select * into v_message from public.whatsapp_notifications where id = v_lost[1] for update;
      if cardinality(v_lost) > 1 then
        return 'no_message';
      end if;
      if v_message.status = 'sending' then
        return 'too_early';
      end if;
    end if;
  end if;

  if v_status = 'failed' then
    if v_message.status = 'sending' then
      return 'too_early';
    end if;
    if v_message.status not in ('accepted', 'sent', 'unknown') then
      return 'unchanged';
    end if;
    if p_status ->> 'action' in ('retry', 'delay') then
      perform public.retry_whatsapp(v_message, (p_status ->> 'delay_seconds')::integer, p_status ->> 'code', left(p_status ->> 'message', 500));
      return 'applied';
    end if;
    update public.whatsapp_notifications set status = 'failed', provider_message_id = coalesce(provider_message_id, v_message_id),
        error_code = p_status ->> 'code', error_message = left(p_status ->> 'message', 500), updated_at = now()
      where id = v_message.id;
    return 'applied';
  end if;

  if v_message.status not in ('queued', 'sending', 'unknown', 'accepted', 'sent', 'failed', 'delivered')
      or (v_rank ->> v_status)::integer <= (v_rank ->> v_message.status)::integer then
    return 'unchanged';
  end if;
  update public.whatsapp_notifications set
      status = v_status, provider_message_id = coalesce(provider_message_id, v_message_id),
      accepted_at = coalesce(accepted_at, v_at),
      sent_at = case when v_status in ('sent', 'delivered', 'read') then coalesce(sent_at, v_at) end,
      delivered_at = case when v_status in ('delivered', 'read') then coalesce(delivered_at, v_at) end,
      read_at = case when v_status = 'read' then v_at end,
      error_code = null, error_message = null, next_attempt_at = null, updated_at = now()
    where id = v_message.id;
  return 'applied';
end
$$;
revoke all on function public.record_whatsapp_status from public;
grant execute on function public.record_whatsapp_status to jobs;
