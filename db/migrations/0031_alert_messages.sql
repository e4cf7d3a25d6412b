-- What was said of an alert in which channel of the operators, so that nobody is told twice and a storm stays readable.

create table public.alert_messages (
  id uuid constraint alert_messages_pkey primary key default uuidv7(),
  alert_id uuid not null constraint alert_messages_alert_id_fkey references public.alerts (id),
  channel text not null constraint alert_messages_channel_check check (channel in ('slack', 'email')),
  occasion text not null constraint alert_messages_occasion_check check (occasion in ('raised', 'resolved')),
  -- of the alert
  dedupe_key text not null,
  -- held = many came at once: the next summary says it; skipped = over before it was said
  status text not null default 'waiting'
    constraint alert_messages_status_check check (status in ('waiting', 'held', 'sent', 'skipped', 'failed')),
  created_at timestamptz not null default clock_timestamp(),
  -- not before
  due_at timestamptz not null default clock_timestamp(),
  sent_at timestamptz,
  -- said together with others
  is_summarised boolean not null default false,
  error text
);
create index alert_messages_channel_dedupe_key_idx on public.alert_messages (channel, dedupe_key, created_at desc);
create index alert_messages_alert_id_idx on public.alert_messages (alert_id);
create index alert_messages_channel_sent_at_idx on public.alert_messages (channel, sent_at) where not is_summarised;
create index alert_messages_held_idx on public.alert_messages (channel, id) where status = 'held';

-- It gets the channels.
drop function if exists public.mark_alert_notified(uuid);
