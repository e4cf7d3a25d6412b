-- Trigger of the studio's tables of rights and fields: tells every process to forget what it knows of them. Once a
-- transaction, and seen with its commit. The one row is locked until then: changes of rights take turns.
create or replace function public.renew_studio_rights() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if current_setting('app.rights_renewed', true) is distinct from 'yes' then
    update public.studio_rights set version = version + 1;
    perform set_config('app.rights_renewed', 'yes', true);
  end if;
  return null;
end
$$;
revoke all on function public.renew_studio_rights from public;
grant execute on function public.renew_studio_rights to studio;
