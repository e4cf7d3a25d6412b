-- Keeps what was changed by hand in the studio and set back by the code, and raises a warning that names it.
-- p_changes: [{table_name, row_key, kind, by_hand, by_code}].
create or replace function public.report_studio_drift(p_changes jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_named text;
  v_count integer := jsonb_array_length(p_changes);
begin
  insert into public.studio_drift (table_name, row_key, kind, by_hand, by_code)
    select table_name, row_key, kind, nullif(by_hand, 'null'), nullif(by_code, 'null')
    from jsonb_to_recordset(p_changes)
      as c (table_name text, row_key text, kind text, by_hand jsonb, by_code jsonb);
  select string_agg(replace(c ->> 'table_name', 'directus_', '') || ' ' || (c ->> 'row_key') || ' (' || (c ->> 'kind') || ')', ', ' order by n)
    into v_named from jsonb_array_elements(p_changes) with ordinality as e (c, n) where n <= 5;
  perform public.raise_alert('studio_changed_by_hand', 'warning',
    'Changed by hand in the studio and set back to what the code says: ' || v_named
      || case when v_count > 5 then ' and ' || v_count - 5 || ' more' else '' end,
    jsonb_build_object('changes', v_count), 'studio_changed_by_hand');
end
$$;
revoke all on function public.report_studio_drift from public;
grant execute on function public.report_studio_drift to studio;
