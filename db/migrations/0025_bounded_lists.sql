-- What the studio's lists single out is rare in tables that grow without end: without an index of just those rows, a list of
-- them reads the whole table, and the fewer there are the longer. All end in the id, in whose order the lists are.

create index transactions_late_idx on public.transactions (id) where is_late;

create index payment_attempts_unknown_idx on public.payment_attempts (id) where status = 'unknown';

create index gateway_events_unprocessed_idx on public.gateway_events (id) where processed_at is null;

create index gateway_events_error_idx on public.gateway_events (id) where error is not null;

create index webhook_events_undelivered_idx on public.webhook_events (status, id) where status <> 'delivered';

create index bank_statement_lines_exception_idx on public.bank_statement_lines (id) where status = 'exception';

create index whatsapp_notifications_cause_id_idx on public.whatsapp_notifications (cause, id);
