-- The active template of this name in this language, or else in English.
-- Errors: LS170 no_such_template.
create or replace function public.find_whatsapp_template(p_name text, p_language text) returns public.whatsapp_templates
language plpgsql stable security definer set search_path = '' as $$
declare
  v_template public.whatsapp_templates;
begin
  select * into v_template from public.whatsapp_templates
    where name = p_name and language in (p_language, 'en') and is_active
    order by language = p_language desc limit 1;
  if not found then
    raise exception using errcode = 'LS170', message = 'no such template', detail = coalesce(p_name, '');
  end if;
  return v_template;
end
$$;
revoke all on function public.find_whatsapp_template from public;
