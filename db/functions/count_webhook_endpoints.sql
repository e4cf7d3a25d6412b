-- How many endpoints merchants have, and how many of these are disabled: {<client id>: {endpoints, disabled}}; none is absent.
create or replace function public.count_webhook_endpoints(p_client_ids uuid[]) returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_object_agg(client_id, jsonb_build_object('endpoints', endpoints, 'disabled', disabled)), '{}')
    from (select client_id, count(*) as endpoints, count(disabled_at) as disabled
      from public.webhook_endpoints where client_id = any (p_client_ids) and removed_at is null group by client_id) counted
$$;
revoke all on function public.count_webhook_endpoints from public;
grant execute on function public.count_webhook_endpoints to studio;
