-- A template's variables as the provider is given them: texts in the order of {{1}}, {{2}} …; paise as rupees.
create or replace function public.whatsapp_parameters(t public.whatsapp_templates, p_variables jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select coalesce(jsonb_agg(case v ->> 'type'
      when 'paise' then public.rupees_text((p_variables ->> (v ->> 'name'))::bigint)
      else btrim(p_variables ->> (v ->> 'name')) end order by position), '[]')
    from jsonb_array_elements(t.variables) with ordinality as variable (v, position)
$$;
revoke all on function public.whatsapp_parameters from public;
