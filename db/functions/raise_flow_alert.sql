-- An alert that a flow raises; one open alert for each p_dedupe_key of the flow. No event for flows, else one would answer
-- itself. Audited as the flow's doing when it is new.
-- Errors: LS184 invalid_alert.
create or replace function public.raise_flow_alert(
  p_flow_id uuid, p_severity text, p_message text, p_details jsonb, p_dedupe_key text, p_client_id uuid
) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if p_flow_id is null or p_severity is null or p_severity not in ('info', 'warning', 'critical')
      or coalesce(length(trim(p_message)), 0) not between 1 and 500 then
    raise exception using errcode = 'LS184', message = 'an alert has a severity and a message of up to 500 characters';
  end if;
  perform public.raise_alert('raised_by_flow', p_severity, p_message,
    coalesce(p_details, '{}') || jsonb_build_object('flow_id', p_flow_id),
    'flow:' || p_flow_id || ':' || left(coalesce(nullif(p_dedupe_key, ''), 'alert'), 200),
    (select id from public.clients where id = p_client_id));
end
$$;
revoke all on function public.raise_flow_alert from public;
grant execute on function public.raise_flow_alert to studio;
