-- A text of ours as a template's variable may be: on one line, without runs of blanks, not longer than p_longest.
create or replace function public.whatsapp_value(p_text text, p_longest integer) returns text
language sql immutable parallel safe set search_path = '' as $$
  select coalesce(nullif(left(btrim(regexp_replace(p_text, '\s+', ' ', 'g')), p_longest), ''), '–')
$$;
revoke all on function public.whatsapp_value from public;
