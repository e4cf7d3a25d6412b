-- What PSPs say became of payments is settled for many at a time: settle_attempts, book_commissions and append_entries took these
-- ones' places, and write_transaction_events takes the rows as they were changed.
drop function if exists public.apply_attempt_state(uuid, jsonb);
drop function if exists public.book_commission(public.transactions);
drop function if exists public.book_split(uuid);
drop function if exists public.write_transaction_events(uuid[]);
