-- The message as its reader sees it: the template's text with the parameters in their places.
create or replace function public.whatsapp_text(t public.whatsapp_templates, p_variables jsonb) returns text
language plpgsql immutable set search_path = '' as $$
declare
  v_text text := t.body;
  v_parameter record;
begin
  for v_parameter in select value, position from jsonb_array_elements_text(public.whatsapp_parameters(t, p_variables))
      with ordinality as parameter (value, position)
  loop
    v_text := replace(v_text, '{{' || v_parameter.position || '}}', v_parameter.value);
  end loop;
  return v_text;
end
$$;
revoke all on function public.whatsapp_text from public;
