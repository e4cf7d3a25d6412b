-- A page of a merchant's events, newest first, each with its newest try: all, or the failed ones (p_which), or those of one
-- order; of one endpoint, or of all (p_endpoint_id null). p_before is the id of the last event of the page before.
-- The first endpoint's events are those of all without the others': where these are many more, its page reads past them.
create or replace function public.read_webhook_log(
  p_client_id uuid, p_endpoint_id uuid, p_which text, p_order_id text, p_before uuid, p_limit integer
) returns jsonb
language plpgsql stable security definer set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare
  v_before constant uuid := coalesce(p_before, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  v_is_any constant boolean := p_endpoint_id is null;
  v_other constant uuid := nullif(p_endpoint_id, p_client_id);
  v_ids uuid[];
begin
  if p_order_id is not null then
    v_ids := array(select e.id from public.transactions t join public.webhook_events e on e.transaction_id = t.id
      where t.client_id = p_client_id and t.order_id = p_order_id and e.id < v_before and (p_which <> 'failed' or e.is_failed)
        and (v_is_any or e.endpoint_id is not distinct from v_other)
      order by e.id desc limit p_limit);
  elsif p_which = 'failed' then
    v_ids := array(select id from public.webhook_events where client_id = p_client_id and id < v_before and is_failed
        and (v_is_any or endpoint_id is not distinct from v_other)
      order by id desc limit p_limit);
  elsif v_other is not null then
    v_ids := array(select id from public.webhook_events where client_id = p_client_id and endpoint_id = v_other and id < v_before
      order by id desc limit p_limit);
  else
    v_ids := array(select id from public.webhook_events where client_id = p_client_id and id < v_before and (v_is_any or endpoint_id is null)
      order by id desc limit p_limit);
  end if;
  return (select coalesce(jsonb_agg(jsonb_build_object('id', e.id, 'endpoint_id', coalesce(e.endpoint_id, e.client_id), 'type', e.type,
      'status', e.status, 'order_id', t.order_id, 'transaction_id', e.transaction_id, 'tries', e.attempts,
      'created_at', public.iso_time(e.created_at), 'next_try_at', public.iso_time(e.next_retry_at),
      'tried_at', public.iso_time(d.created_at), 'status_code', d.status_code,
      'error', d.error, 'duration_ms', d.duration_ms, 'response_bytes', d.response_bytes) order by e.id desc), '[]')
    from public.webhook_events e
    left join public.transactions t on t.id = e.transaction_id
    left join public.webhook_deliveries d on d.event_id = e.id and d.attempt_no = e.attempts
    where e.id = any (v_ids));
end
$$;
revoke all on function public.read_webhook_log from public;
grant execute on function public.read_webhook_log to studio;
