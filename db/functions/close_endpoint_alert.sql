-- Resolves the alert of a disabled endpoint, so that the next time is told again.
create or replace function public.close_endpoint_alert(p_endpoint_id uuid) returns void
language sql security definer set search_path = '' as $$
  update public.alerts set status = 'resolved', resolved_at = now()
    where dedupe_key = 'webhook_endpoint_disabled:' || p_endpoint_id and status <> 'resolved'
$$;
revoke all on function public.close_endpoint_alert from public;
