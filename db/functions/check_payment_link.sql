-- A link of the studio sends payers only where the merchant's registered URLs do, as one of the API does: there checkout compares
-- by the URL standard before it calls create_payment_link.
-- Errors: LS035 redirect_url_not_registered.
create or replace function public.check_payment_link() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (select from public.clients c, jsonb_array_elements_text(c.redirect_urls) registered
      where c.id = new.client_id and public.redirect_target(registered) = public.redirect_target(new.redirect_url)) then
    raise exception using errcode = 'LS035', message = 'redirect_url is not registered for this merchant', detail = new.redirect_url,
      hint = 'Enter one of the redirect URLs on the merchant''s page, with any query behind it, or register this one there first.';
  end if;
  return new;
end
$$;
create or replace trigger payment_links_check before insert or update of redirect_url on public.payment_links
  for each row when (new.redirect_url is not null and session_user = 'studio') execute function public.check_payment_link();
