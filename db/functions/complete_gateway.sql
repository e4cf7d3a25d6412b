-- Gives a new gateway its routing state, logs switching on and off, and tells every process that cached the
-- client's gateways (channel gateway_changed, payload client id). When its egress group changes, jobs that wait for workers
-- of the old one go to the new one; what is added meanwhile, or is locked, is left to the schedule that calls regroup_jobs.
create or replace function public.complete_gateway() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' then
    insert into public.gateway_states (gateway_id, client_id) values (new.id, new.client_id);
  elsif new.is_active <> old.is_active then
    insert into public.gateway_log (gateway_id, client_id, kind)
    values (new.id, new.client_id, case when new.is_active then 'activated' else 'deactivated' end);
  end if;
  if tg_op = 'UPDATE' and new.egress_group is distinct from old.egress_group then
    perform public.regroup_jobs('0 s');
  end if;
  perform pg_notify('gateway_changed', coalesce(new.client_id, old.client_id)::text);
  return null;
end
$$;
create or replace trigger payment_gateways_complete after insert or update or delete on public.payment_gateways
  for each row execute function public.complete_gateway();
