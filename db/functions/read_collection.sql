-- How a merchant is collected from, without secrets, and its newest payouts. p_before: id of the last payout of the page before. By index
-- payouts_client_id_id_idx; polled while somebody looks. Errors: LS022 no_such_client.
create or replace function public.read_collection(p_client_id uuid, p_before uuid, p_limit integer) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  if not exists (select from public.wallets where client_id = p_client_id) then
    raise exception using errcode = 'LS022', message = 'no such client', detail = coalesce(p_client_id::text, 'null');
  end if;
  return jsonb_build_object('client_key', (select client_key from public.clients where id = p_client_id),
    'account', (select to_jsonb(a) - array['client_id', 'api_secret', 'webhook_secret', 'created_at', 'updated_at']
        || jsonb_build_object('has_webhook_secret', a.webhook_secret is not null, 'updated_at', public.iso_time(a.updated_at))
      from public.collection_accounts a where a.client_id = p_client_id),
    'last_night', (select jsonb_build_object('night', n.night, 'swept_at', public.iso_time(n.swept_at), 'payouts', n.payouts, 'amount', n.amount)
      from public.collection_nights n order by n.night desc limit 1),
    'payouts', coalesce((select jsonb_agg(public.payout_view(p.row) order by (p.row).id desc)
      from (select q as row from public.payouts q where q.client_id = p_client_id and (p_before is null or q.id < p_before)
        order by q.id desc limit least(p_limit, 200)) p), '[]'));
end
$$;
revoke all on function public.read_collection from public;
grant execute on function public.read_collection to studio;
