-- The queue monitor: which queues there are, what they have done, and which of them somebody has paused.

-- Written by the worker processes: their tasks and schedules when they start, and a few times a second what they finished
-- meanwhile (Graphile Worker deletes a job that is done).
create table public.queues (
  queue text constraint queues_pkey primary key,
  kind text not null constraint queues_kind_check check (kind in ('task', 'schedule')),
  -- when a schedule runs, as in jobs/schedules.ts
  period text,
  -- whether its jobs may be thrown away; never those that move money or tell a merchant about it
  is_discardable boolean not null default false,
  is_pausable boolean not null default true,
  -- runs that came through, and tries that did not, since the queue is known
  completed bigint not null default 0,
  failed bigint not null default 0,
  completed_at timestamptz,
  failed_at timestamptz
) with (fillfactor = 50);

-- Apart from queues, so that nobody who pauses waits for those who count.
create table public.paused_queues (
  queue text constraint paused_queues_pkey primary key
    constraint paused_queues_queue_fkey references public.queues (queue),
  reason text not null constraint paused_queues_reason_check check (reason <> ''),
  -- the person
  paused_by text not null,
  paused_at timestamptz not null default now()
);

-- Until now `failed` meant: failed for good.
alter table public.queue_metrics
  add column scheduled integer not null default 0,
  add column dead integer not null default 0,
  -- running totals, as in queues
  add column completed bigint not null default 0,
  add column failed_tries bigint not null default 0;
update public.queue_metrics set dead = failed, failed = 0;
create index queue_metrics_queue_recorded_at_idx on public.queue_metrics (queue, recorded_at);
