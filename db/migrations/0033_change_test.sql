-- It gets the number of standard deviations as a parameter.
drop function if exists public.has_changed(bigint, bigint, bigint, bigint);
