-- What a worker's environment says of WhatsApp, when the worker starts: the provider in use (null = none), whom messages come
-- from, and whether it is the sandbox. For the studio to show.
create or replace function public.configure_whatsapp(p_provider text, p_sender text, p_is_sandbox boolean) returns void
language sql security definer set search_path = '' as $$
  update public.whatsapp_providers set is_current = provider is not distinct from p_provider,
    sender = case when provider is not distinct from p_provider then p_sender end,
    is_sandbox = provider is not distinct from p_provider and p_is_sandbox, reported_at = clock_timestamp()
$$;
revoke all on function public.configure_whatsapp from public;
grant execute on function public.configure_whatsapp to jobs;
