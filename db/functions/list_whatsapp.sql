-- The newest messages that fit, for the studio's log: p_filter {status, template, client_id, recipient (in any spelling), cause,
-- from, until (timestamps)}, of before p_before (the last id of the page before). Every filter has an index that ends with
-- the id, or is the id itself (times are read off it), so that a page reads little more than it shows.
create or replace function public.list_whatsapp(p_filter jsonb, p_limit integer, p_before uuid default null)
returns table (id uuid, client_id uuid, company_name text, template text, language text, recipient text, cause text, status text,
  attempts integer, provider text, error_code text, error_message text, next_attempt_at timestamptz, created_at timestamptz,
  updated_at timestamptz, resend_of uuid)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
  -- Written out, so that each combination gets the plan of its own filters.
  v_where constant text := concat_ws(' and ', 'true',
    case when p_filter ->> 'status' is not null then format('n.status = %L', p_filter ->> 'status') end,
    case when p_filter ->> 'template' is not null then format('n.template = %L', p_filter ->> 'template') end,
    case when p_filter ->> 'client_id' is not null then format('n.client_id = %L', p_filter ->> 'client_id') end,
    case when p_filter ->> 'cause' is not null then format('n.cause = %L', p_filter ->> 'cause') end,
    case when p_filter ->> 'recipient' is not null
      then format('n.recipient = %L', coalesce(public.whatsapp_recipient(p_filter ->> 'recipient'), '')) end,
    case when p_filter ->> 'from' is not null then format('n.id >= %L', public.first_uuid_at((p_filter ->> 'from')::timestamptz)) end,
    case when p_filter ->> 'until' is not null then format('n.id < %L', public.first_uuid_at((p_filter ->> 'until')::timestamptz)) end,
    case when p_before is not null then format('n.id < %L', p_before) end);
begin
  return query execute format(
    'select n.id, n.client_id, c.company_name, n.template, n.language, n.recipient, n.cause, n.status, n.attempts, n.provider,
        n.error_code, n.error_message, n.next_attempt_at, n.created_at, n.updated_at, n.resend_of
      from (select * from public.whatsapp_notifications n where %s order by n.id desc limit %s) n
      join public.clients c on c.id = n.client_id order by n.id desc', v_where, least(greatest(p_limit, 1), 200));
end
$$;
revoke all on function public.list_whatsapp from public;
grant execute on function public.list_whatsapp to studio;
