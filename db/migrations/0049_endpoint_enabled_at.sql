-- When an endpoint was last enabled by hand or given another address; null = never. What it answered to a try of before says nothing.
alter table public.webhook_endpoints add column enabled_at timestamptz;

-- It takes when the try was made, and answers.
drop function if exists public.switch_off_endpoint(uuid, text);
