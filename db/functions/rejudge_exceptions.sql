-- Compares the lines of open exceptions anew, as payments may have become paid, refunds done or terms set since: what no longer
-- holds resolves itself. The exceptions behind p_after in id order, p_limit of them; returns the last one's id, or null at the end.
-- Where p_asks is true the PSP is asked again about each payment that it has settled and we have not: the look-up of the first
-- day may have gone wrong.
-- Locks: as judge_settlement_lines.
create or replace function public.rejudge_exceptions(p_after uuid, p_asks boolean default false, p_limit integer default 500) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  v_lines uuid[];
  v_last uuid;
  v_count integer;
  v_jobs graphile_worker.job_spec[];
begin
  select array_agg(distinct e.line_id) filter (where e.line_id is not null), (array_agg(e.id order by e.id desc))[1], count(*)
    into v_lines, v_last, v_count
    from (select id, line_id from public.reconciliation_exceptions
      where status = 'open' and (p_after is null or id > p_after) order by id limit p_limit) e;
  perform public.judge_settlement_lines(v_lines);
  if p_asks then
    select array_agg((public.egress_task('confirm_attempt', a.gateway_id), json_build_object('attempt_id', a.id), null, null, 5,
        'confirm_attempt:' || a.id, null, null)::graphile_worker.job_spec)
      into v_jobs
      from (select distinct e.attempt_id from public.reconciliation_exceptions e
        where e.status = 'open' and e.kind = 'state' and e.refund_id is null and e.line_id = any(v_lines)) e
      join public.payment_attempts a on a.id = e.attempt_id
      where a.psp_order_id is not null and a.status <> 'succeeded';
    if v_jobs is not null then
      perform graphile_worker.add_jobs(v_jobs);
    end if;
  end if;
  return case when v_count = p_limit then v_last end;
end
$$;
revoke all on function public.rejudge_exceptions from public;
grant execute on function public.rejudge_exceptions to jobs;
