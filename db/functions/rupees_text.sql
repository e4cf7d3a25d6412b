-- Paise as a person in India reads them: 123456789 is ₹12,34,567.89.
create or replace function public.rupees_text(p_paise bigint) returns text
language sql immutable parallel safe set search_path = '' as $$
  select case when p_paise < 0 then '-' else '' end || '₹'
    || case when length(whole) > 3
      then regexp_replace(left(whole, -3), '(?<=\d)(?=(\d\d)+$)', ',', 'g') || ',' || right(whole, 3) else whole end
    || '.' || lpad((abs(p_paise) % 100)::text, 2, '0')
    from (select (abs(p_paise) / 100)::text as whole) n
$$;
revoke all on function public.rupees_text from public;
