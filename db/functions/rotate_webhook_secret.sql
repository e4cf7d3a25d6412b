-- Gives an endpoint a new secret (ciphertext made by the application; the first endpoint's is the client's). For
-- p_overlap_hours, 0 to 168, events carry a signature for the one before too. Audited. Returns until when; null = it ends now.
-- Locks: the client (of the first endpoint), the endpoint.
-- Errors: LS044 reason_needed, LS140 invalid_overlap, LS148 no_such_endpoint.
create or replace function public.rotate_webhook_secret(
  p_endpoint_id uuid, p_secret text, p_overlap_hours integer, p_reason text, p_actor text
) returns timestamptz
language plpgsql security definer set search_path = '' as $$
declare
  w public.webhook_endpoints;
  v_until timestamptz;
begin
  if p_overlap_hours is null or p_overlap_hours not between 0 and 168 then
    raise exception using errcode = 'LS140', message = 'the old secret can go on signing for 0 to 168 hours',
      detail = coalesce(p_overlap_hours::text, 'null');
  end if;
  v_until := case when p_overlap_hours > 0 then now() + p_overlap_hours * interval '1 hour' end;
  perform set_config('app.actor', p_actor, true);
  perform from public.clients where id = p_endpoint_id for no key update;
  w := public.find_webhook_endpoint(p_endpoint_id, p_reason);
  if w.secret is null then
    update public.clients set new_webhook_secret = p_secret where id = p_endpoint_id;
    update public.clients set previous_webhook_secret_until = coalesce(v_until, now()) where id = p_endpoint_id;
  else
    update public.webhook_endpoints set previous_secret = case when v_until is not null then secret end, secret = p_secret,
        previous_secret_until = v_until, updated_at = now()
      where id = p_endpoint_id;
  end if;
  perform public.record_audit(p_actor, 'rotate_webhook_secret', 'clients', w.client_id::text,
    jsonb_build_object('endpoint_id', w.id, 'url', w.url, 'overlap_hours', p_overlap_hours, 'reason', btrim(p_reason)));
  return v_until;
end
$$;
revoke all on function public.rotate_webhook_secret from public;
grant execute on function public.rotate_webhook_secret to studio;
