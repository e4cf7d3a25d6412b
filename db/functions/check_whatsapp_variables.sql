-- Refuses variables that a template cannot be sent with: one missing or too many, not a text, empty, longer than the
-- template allows, with a line break or four spaces in a row (WhatsApp refuses both), an amount that is not whole paise, an
-- address that is not https. An amount in paise is a number or its digits.
-- Errors: LS171 variables_do_not_fit; the detail names the variable.
create or replace function public.check_whatsapp_variables(t public.whatsapp_templates, p_variables jsonb) returns void
language plpgsql immutable set search_path = '' as $$
declare
  v_wanted record;
  v_text text;
  v_reason text;
  v_name text;
begin
  if jsonb_typeof(p_variables) is distinct from 'object' then
    raise exception using errcode = 'LS171', message = 'variables are an object', detail = '';
  end if;
  select key into v_name from jsonb_object_keys(p_variables) key
    where key not in (select v ->> 'name' from jsonb_array_elements(t.variables) v) limit 1;
  if found then
    raise exception using errcode = 'LS171', message = 'the template has no such variable', detail = v_name;
  end if;
  for v_wanted in select v ->> 'name' as name, v ->> 'type' as type, coalesce((v ->> 'max')::integer, 200) as longest
      from jsonb_array_elements(t.variables) v
  loop
    v_text := p_variables ->> v_wanted.name;
    v_reason := case
      when v_text is null then 'is missing'
      when jsonb_typeof(p_variables -> v_wanted.name) not in ('string', 'number') then 'is not a text'
      when v_wanted.type = 'paise' and v_text !~ '^-?[0-9]{1,15}$' then 'is not an amount in paise'
      when btrim(v_text) = '' then 'is empty'
      when v_text ~ '[\n\r\t]|    ' then 'has a line break, a tab or four spaces in a row'
      when length(v_text) > v_wanted.longest then 'is longer than ' || v_wanted.longest || ' characters'
      when v_wanted.type = 'url' and v_text !~ '^https://[^\s]+$' then 'is not an https address'
    end;
    if v_reason is not null then
      raise exception using errcode = 'LS171', message = v_wanted.name || ' ' || v_reason, detail = v_wanted.name;
    end if;
  end loop;
end
$$;
revoke all on function public.check_whatsapp_variables from public;
