-- What the clock ran in a period, when, and with what result: every run that is still kept (of frequent schedules hours, of those about
-- money more than a year). Times in Asia/Kolkata. Reads all of pg-boss's records, which are some tens of thousands.
create or replace function reports.schedule_runs(p_from date, p_to date)
returns table (schedule text, due_at timestamp, began_at timestamp, ended_at timestamp, state text, tries integer, result text)
language sql stable security definer rows 1000 set search_path = '' as $$
  select j.name, j.created_on at time zone 'Asia/Kolkata', j.started_on at time zone 'Asia/Kolkata', j.completed_on at time zone 'Asia/Kolkata',
      j.state::text, j.retry_count + (j.started_on is not null)::integer,
      case when j.state in ('failed', 'retry') then coalesce(j.output ->> 'message', j.output #>> '{value,message}', j.output::text)
        else (select string_agg(key || ' ' || value, ', ' order by key) from jsonb_each_text(case jsonb_typeof(j.output) when 'object' then j.output end)) end
    from pgboss.job j
    join public.queues q on q.queue = j.name and q.kind = 'schedule'
    where j.created_on >= p_from::timestamp at time zone 'Asia/Kolkata' and j.created_on < (p_to + 1)::timestamp at time zone 'Asia/Kolkata'
$$;
revoke all on function reports.schedule_runs from public;
grant execute on function reports.schedule_runs to finance;
