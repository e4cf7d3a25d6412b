-- Refuses a GSTIN with a wrong check digit, and a state that is not the GSTIN's: the state decides between CGST with SGST and
-- IGST. A client's missing state is taken from its GSTIN.
-- Errors: LS080 invalid_gstin, LS081 state_differs_from_gstin.
create or replace function public.check_gstin() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.gstin is null then
    return new;
  end if;
  if not public.is_gstin(new.gstin) then
    raise exception using errcode = 'LS080', message = 'this is no valid GSTIN', detail = new.gstin,
      hint = 'Its last character does not fit the others: check it against the registration certificate.';
  end if;
  if tg_table_name = 'clients' then
    if new.state_code is null then
      new.state_code := left(new.gstin, 2);
    elsif new.state_code <> left(new.gstin, 2) then
      raise exception using errcode = 'LS081', message = 'the state is not the GSTIN''s', detail = new.gstin,
        hint = format('Set the GST state code to %s, or leave it empty.', left(new.gstin, 2));
    end if;
  end if;
  return new;
end
$$;
create or replace trigger clients_check_gstin_insert before insert on public.clients
  for each row when (new.gstin is not null) execute function public.check_gstin();
create or replace trigger clients_check_gstin before update of gstin, state_code on public.clients
  for each row when (new.gstin is distinct from old.gstin or new.state_code is distinct from old.state_code)
  execute function public.check_gstin();
create or replace trigger company_profile_check_gstin before update on public.company_profile
  for each row execute function public.check_gstin();
