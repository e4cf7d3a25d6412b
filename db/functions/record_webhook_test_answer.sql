-- Keeps the beginning of what a merchant's endpoint answered to a test event; for any other event nothing happens.
create or replace function public.record_webhook_test_answer(p_event_id uuid, p_content_type text, p_answer text) returns void
language sql security definer set search_path = '' as $$
  update public.webhook_tests set content_type = left(p_content_type, 200), answer = left(p_answer, 1024) where event_id = p_event_id
$$;
revoke all on function public.record_webhook_test_answer from public;
grant execute on function public.record_webhook_test_answer to jobs;
