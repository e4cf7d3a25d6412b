-- Gives jobs that have waited for p_waiting to the egress group that their gateway, or the merchant's collection account, names by
-- now: it was changed while they waited, and the workers of the one before may be gone. Returns how many. Bounded: of a backlog it
-- looks at 10,000, those of groups first.
-- Locks: the jobs, skip locked.
create or replace function public.regroup_jobs(p_waiting interval default '1 minute') returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_ids bigint[];
  v_names text[];
begin
  with waiting as materialized (
    select j.id, k.identifier, split_part(k.identifier, ':', 1) as task, coalesce(j.payload ->> 'attempt_id', j.payload ->> 'event_id',
        j.payload ->> 'refund_id', j.payload ->> 'payout_id', j.payload ->> 'gateway_id') as about
      from graphile_worker._private_jobs j join graphile_worker._private_tasks k on k.id = j.task_id
      where j.is_available and j.run_at <= now() - p_waiting and split_part(k.identifier, ':', 1) in ('create_psp_order',
        'confirm_attempt', 'move_payment', 'process_gateway_event', 'refund_payment', 'pull_settlement', 'collect_payout')
      order by k.identifier like '%:%' desc, j.id limit 10000
  ), known as materialized (
    -- what no task of ours wrote keeps nobody else's jobs waiting
    select id, identifier, task, about::uuid as about from waiting where pg_input_is_valid(about, 'uuid')
  ), owned as materialized (
    select w.id, w.identifier, w.task, case w.task
        when 'collect_payout' then (select p.client_id from public.payouts p where p.id = w.about)
        when 'process_gateway_event' then (select e.gateway_id from public.gateway_events e where e.id = w.about)
        when 'refund_payment' then (select r.gateway_id from public.refunds r where r.id = w.about)
        when 'pull_settlement' then w.about
        else (select a.gateway_id from public.payment_attempts a where a.id = w.about) end as owner_id
      from known w
  ), named as (
    select o.id, o.identifier, public.grouped_task(o.task, coalesce(g.egress_group, c.egress_group)) as name
      from owned o
      left join public.payment_gateways g on g.id = o.owner_id
      left join public.collection_accounts c on o.task = 'collect_payout' and c.client_id = o.owner_id
      where coalesce(g.id, c.client_id) is not null
  ), moving as (
    select j.id, n.name from named n join graphile_worker._private_jobs j on j.id = n.id
      where n.name <> n.identifier and j.is_available for update of j skip locked
  )
  select array_agg(id), array_agg(name) into v_ids, v_names from moving;
  if v_ids is null then
    return 0;
  end if;
  insert into graphile_worker._private_tasks (identifier) select distinct name from unnest(v_names) name on conflict do nothing;
  update graphile_worker._private_jobs j set task_id = k.id
    from unnest(v_ids, v_names) moved (id, name) join graphile_worker._private_tasks k on k.identifier = moved.name
    where j.id = moved.id;
  perform pg_notify('jobs:insert', json_build_object('count', cardinality(v_ids))::text);
  return cardinality(v_ids);
end
$$;
revoke all on function public.regroup_jobs from public;
grant execute on function public.regroup_jobs to jobs;
