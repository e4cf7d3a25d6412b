-- purpose: What ran by the clock, when, and with what result: whether a night's work was done.
-- parameters: from, to (days of Asia/Kolkata, both counted); client is not used
-- columns: schedule; due_at; began_at; ended_at; state (completed, failed, active, created: waits); tries; result (what it counted, or why
--   it failed)
-- units: times of Asia/Kolkata. Runs are kept as long as jobs/schedules.ts says: about money more than a year, of every few seconds some hours
\ir parameters.psql
select schedule, date_trunc('second', due_at) as due_at, date_trunc('second', began_at) as began_at, date_trunc('second', ended_at) as ended_at,
    state, tries, result
  from reports.schedule_runs(:'from'::date, :'to'::date)
  order by schedule_runs.due_at, schedule;
