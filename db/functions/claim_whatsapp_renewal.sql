-- Whether the caller may renew the provider's token of p_generation: one worker at a time, for half a minute. False when
-- another one does, or has.
create or replace function public.claim_whatsapp_renewal(p_provider text, p_generation integer) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update public.whatsapp_provider_tokens set renewing_until = clock_timestamp() + interval '30 seconds'
    where provider = p_provider and generation = p_generation
      and (renewing_until is null or renewing_until < clock_timestamp());
  return found;
end
$$;
revoke all on function public.claim_whatsapp_renewal from public;
grant execute on function public.claim_whatsapp_renewal to jobs;
