-- Makes a payment link of a merchant. Under the same p_reference it answers with the link made before, if that asks for the
-- same. p_amount in paise; p_usage single (one successful payment) or multiple.
-- Errors: LS032 idempotency_key_conflict.
create or replace function public.create_payment_link(
  p_client_id uuid, p_amount bigint, p_currency text, p_description text, p_reference text, p_usage text,
  p_expires_at timestamptz, p_redirect_url text
) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_link public.payment_links;
begin
  insert into public.payment_links (client_id, amount, currency, description, reference, usage, expires_at, redirect_url)
    values (p_client_id, p_amount, p_currency, p_description, p_reference, p_usage, p_expires_at, p_redirect_url)
    on conflict (client_id, reference) where reference is not null do nothing
    returning * into v_link;
  if not found then
    select * into strict v_link from public.payment_links where client_id = p_client_id and reference = p_reference;
    if (v_link.amount, v_link.currency, v_link.description, v_link.usage, v_link.redirect_url)
        is distinct from (p_amount, p_currency, p_description, p_usage, p_redirect_url) then
      raise exception using errcode = 'LS032', message = 'this reference was used for another link', detail = v_link.id::text;
    end if;
  end if;
  return public.payment_link_view(v_link);
end
$$;
revoke all on function public.create_payment_link from public;
grant execute on function public.create_payment_link to checkout;
