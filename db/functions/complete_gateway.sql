-- Gives a new gateway its routing state, logs switching on and off, and tells every process that cached the
-- client's gateways (channel gateway_changed, payload client id). When its egress group changes, the work of the last day that
-- waits for workers of the old group is given to the new one as well; who comes second finds it done.
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
    update public.payment_attempts set next_lookup_at = now()
      where id > uuidv7(interval '-1 day') and gateway_id = new.id and status = 'created';
    perform graphile_worker.add_job(public.egress_task('process_gateway_event', new.id), json_build_object('event_id', e.id),
        max_attempts => 5, job_key => 'process_gateway_event:' || e.id)
      from public.gateway_events e
      where e.id > uuidv7(interval '-1 day') and e.gateway_id = new.id and e.processed_at is null;
  end if;
  perform pg_notify('gateway_changed', coalesce(new.client_id, old.client_id)::text);
  return null;
end
$$;
create or replace trigger payment_gateways_complete after insert or update or delete on public.payment_gateways
  for each row execute function public.complete_gateway();
