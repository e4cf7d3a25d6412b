-- Closes a merchant's payment link for new payments; those begun go on. Null when there is none. Safe to repeat.
create or replace function public.disable_payment_link(p_client_id uuid, p_link_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_link public.payment_links;
begin
  update public.payment_links set is_disabled = true where id = p_link_id and client_id = p_client_id returning * into v_link;
  return case when found then public.payment_link_view(v_link) end;
end
$$;
revoke all on function public.disable_payment_link from public;
grant execute on function public.disable_payment_link to checkout;
