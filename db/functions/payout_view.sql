-- A payout as the studio shows it. Paise. is_held_up: nothing ends it by itself (resolve_payout).
create or replace function public.payout_view(p public.payouts) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('id', p.id, 'client_id', p.client_id, 'collected_for', p.collected_for, 'kind', p.kind, 'amount', p.amount,
    'provider', p.provider, 'status', p.status, 'psp_status', p.psp_status, 'psp_payout_id', p.psp_payout_id,
    'is_held_up', p.status in ('queued', 'processing') and p.started_at is not null and p.next_lookup_at is null,
    'bank_reference', p.bank_reference, 'error_code', p.error_code, 'error_message', p.error_message,
    'asked_by', p.asked_by, 'reason', p.reason, 'created_at', public.iso_time(p.created_at),
    'processed_at', public.iso_time(p.processed_at), 'reversed_at', public.iso_time(p.reversed_at))
$$;
revoke all on function public.payout_view from public;
