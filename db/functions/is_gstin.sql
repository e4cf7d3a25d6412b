-- Whether a text is a GSTIN whose last character is its check digit: characters as base 36 values, each second one doubled, the
-- base 36 digits of the products summed; the check digit brings the sum to a multiple of 36.
create or replace function public.is_gstin(p_gstin text) returns boolean
language sql immutable parallel safe set search_path = '' as $$
  select case when p_gstin ~ '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]$' then
    substr(digits, ((36 - (
      select sum(product / 36 + product % 36)
        from (select (strpos(digits, substr(p_gstin, place, 1)) - 1) * (2 - place % 2) as product from generate_series(1, 14) place) p
      ) % 36) % 36)::integer + 1, 1) = right(p_gstin, 1)
    else false end
  from (select '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ' as digits) d
$$;
