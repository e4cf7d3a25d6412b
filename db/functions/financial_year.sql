-- The financial year of a day, April to March, as document numbers name it: 26-27.
create or replace function public.financial_year(p_day date) returns text
language sql immutable parallel safe as $$
  select to_char(p_day - interval '3 months', 'YY') || '-' || to_char(p_day + interval '9 months', 'YY')
$$;
