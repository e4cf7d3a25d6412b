-- How WhatsApp is: the provider in use and its circuit, the token's age, and what waits or went wrong in the last day. Counts
-- stop at a thousand.
create or replace function public.whatsapp_state() returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object(
    'is_configured', p.provider is not null, 'provider', p.provider, 'sender', p.sender, 'is_sandbox', coalesce(p.is_sandbox, false),
    -- null: no worker has started yet
    'reported_at', (select max(reported_at) from public.whatsapp_providers),
    'circuit', case when p.open_until > now() then 'open' when p.open_until is not null then 'trying' else 'closed' end,
    'open_until', p.open_until, 'failures', p.failures, 'last_success_at', p.last_success_at, 'last_failure_at', p.last_failure_at,
    'last_error', p.last_error, 'token_renewed_at', t.renewed_at, 'token_expires_at', t.expires_at,
    'waiting', (select count(*) from (select from public.whatsapp_notifications where status in ('queued', 'sending') limit 1000) w),
    'failed_today', (select count(*) from (select from public.whatsapp_notifications
      where status = 'failed' and id >= public.first_uuid_at(now() - interval '1 day') limit 1000) f),
    'unknown_today', (select count(*) from (select from public.whatsapp_notifications
      where status = 'unknown' and id >= public.first_uuid_at(now() - interval '1 day') limit 1000) u))
  from (select) one
  left join public.whatsapp_providers p on p.is_current
  left join public.whatsapp_provider_tokens t on t.provider = p.provider
$$;
revoke all on function public.whatsapp_state from public;
grant execute on function public.whatsapp_state to studio;
