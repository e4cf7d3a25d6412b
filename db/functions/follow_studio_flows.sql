-- Keeps what events are wanted (studio_event_types) in step with the studio's flows, whichever way those change. A flow
-- that begins with "Only these events" wants those; one that begins with anything else wants all. With the rights of whoever
-- changes the flows, as the tables are Directus'.
-- Locks: an advisory lock to the end of the transaction, so that the last of two at once sees what the other wrote.
create or replace function public.follow_studio_flows() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('lightspeedpay.studio_flows', 0));
  perform public.want_studio_events((
    select array_agg(distinct wanted.type)
      from directus.directus_flows f
      join directus.directus_operations o on o.id = f.operation
      cross join lateral (
        select jsonb_array_elements_text(case jsonb_typeof(o.options::jsonb -> 'types') when 'array' then o.options::jsonb -> 'types' else '[]' end) as type
          where o.type = 'lightspeedpay-only-events'
        union all
        select '*' where o.type <> 'lightspeedpay-only-events'
      ) wanted
      where f.status = 'active' and f.trigger = 'event' and f.options::jsonb ->> 'type' = 'action'
        and (f.options::jsonb -> 'collections')::text like '%"studio\_events"%' and (f.options::jsonb -> 'scope')::text like '%"items.create"%'));
  return null;
end
$$;
revoke all on function public.follow_studio_flows from public;
grant execute on function public.follow_studio_flows to studio;
