-- An adjustment as the studio shows it.
create or replace function public.adjustment_view(a public.adjustments) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('id', a.id, 'amount', a.amount, 'reason', a.reason, 'status', a.status,
    'needs_second_person', a.needs_second_person, 'proposed_by', a.proposed_by, 'decided_by', a.decided_by,
    'decided_at', public.iso_time(a.decided_at), 'decision_reason', a.decision_reason, 'created_at', public.iso_time(a.created_at))
$$;
revoke all on function public.adjustment_view from public;
