-- What a PSP should keep of a payment, in paise and with GST: by the gateway's terms for the method, else for any method, else
-- what the PSP stated when the payment was made. Null: nobody has said, and a fee cannot be judged. The fee and its GST are
-- each rounded to the paisa, halves up.
create or replace function public.expected_fee(p_gateway_id uuid, p_method text, p_amount bigint, p_stated bigint) returns bigint
language sql stable set search_path = '' as $$
  select coalesce((
    select f.fee + round(f.fee * f.gst_percent / 100)::bigint
      from (
        select round(p_amount * percent / 100)::bigint + fixed as fee, gst_percent
          from public.gateway_fee_terms
          where gateway_id = p_gateway_id and method in (p_method, 'any')
          order by method = 'any' limit 1
      ) f), p_stated)
$$;
revoke all on function public.expected_fee from public;
