-- How many differences are open, by kind, and how old the oldest is, for the studio. Reads the index of the open ones only, and
-- no more than 20,000 of them.
create or replace function public.count_exceptions() returns jsonb
language sql stable security definer set search_path = '' as $$
  with open as (
    select kind, count(*) as differences, min(opened_at) as oldest from (
      select kind, opened_at from public.reconciliation_exceptions where status = 'open' order by id limit 20000) o
      group by kind
  )
  select jsonb_build_object('open', coalesce(sum(differences), 0), 'kinds', coalesce(jsonb_object_agg(kind, differences), '{}'),
      'oldest_at', public.iso_time(min(oldest)),
      'night', (select jsonb_build_object('night', r.night, 'finished_at', public.iso_time(r.finished_at), 'result', r.result)
        from public.reconciliation_runs r order by r.night desc limit 1))
    from open
$$;
revoke all on function public.count_exceptions from public;
grant execute on function public.count_exceptions to studio;
