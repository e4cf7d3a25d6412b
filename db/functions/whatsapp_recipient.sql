-- A phone number as WhatsApp wants it: international, digits only. Ten digits are taken for an Indian mobile number. Null
-- when it is none.
create or replace function public.whatsapp_recipient(p_phone text) returns text
language sql immutable parallel safe set search_path = '' as $$
  select case
      when p_phone !~ '^[0-9 ()+.-]+$' then null
      when digits ~ '^0?[6-9][0-9]{9}$' and p_phone !~ '^\s*\+' then '91' || right(digits, 10)
      when digits ~ '^00[1-9][0-9]{7,14}$' then substr(digits, 3)
      when digits ~ '^[1-9][0-9]{7,14}$' and (p_phone ~ '^\s*\+' or length(digits) > 10) then digits
    end
    from (select regexp_replace(p_phone, '[^0-9]', '', 'g') as digits) n
$$;
revoke all on function public.whatsapp_recipient from public;
