-- A merchant has at most 50 active gateways, and a gateway never changes its merchant.
-- Locks: the client's row (for no key update), so that two operators adding the 50th at once cannot make 51.
-- webhook_networks holds addresses and CIDR ranges only: one that cannot be read would shut the PSP out.
-- Errors: LS012 too_many_gateways, LS013 gateway_owner_is_fixed, LS014 not_a_network.
create or replace function public.check_gateway() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' then
    new.updated_at := now();
    if new.client_id <> old.client_id then
      raise exception using errcode = 'LS013', message = 'a gateway stays with its merchant',
        hint = 'Create a new gateway for the other merchant.';
    end if;
  end if;
  if new.webhook_networks is not null then
    begin
      perform network::inet from jsonb_array_elements_text(new.webhook_networks) network;
    exception when invalid_text_representation then
      raise exception using errcode = 'LS014', message = 'webhook_networks holds what is no address or CIDR range',
        detail = sqlerrm, hint = 'Write each as 203.0.113.7 or 203.0.113.0/24.';
    end;
  end if;
  if new.is_active and (tg_op = 'INSERT' or not old.is_active) then
    perform from public.clients where id = new.client_id for no key update;
    if (select count(*) from public.payment_gateways
        where client_id = new.client_id and is_active and id <> new.id) >= 50 then
      raise exception using errcode = 'LS012', message = 'a merchant can have at most 50 active gateways',
        hint = 'Deactivate another gateway first.';
    end if;
  end if;
  return new;
end
$$;
create or replace trigger payment_gateways_check before insert or update on public.payment_gateways
  for each row execute function public.check_gateway();
