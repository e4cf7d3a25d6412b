-- A merchant's newest replay, of one endpoint or of any (p_endpoint_id null). Null when there was none.
create or replace function public.read_webhook_replay(p_client_id uuid, p_endpoint_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('id', id, 'endpoint_id', endpoint_id, 'which', which, 'starts_at', public.iso_time(starts_at),
      'ends_at', public.iso_time(ends_at), 'status', status, 'matched', matched, 'replayed', replayed, 'delivered', delivered,
      'note', note, 'reason', reason, 'requested_by', requested_by, 'created_at', public.iso_time(created_at),
      'finished_at', public.iso_time(finished_at))
    from public.webhook_replays where client_id = p_client_id and (p_endpoint_id is null or endpoint_id = p_endpoint_id)
    order by id desc limit 1
$$;
revoke all on function public.read_webhook_replay from public;
grant execute on function public.read_webhook_replay to studio;
