-- A payment's status no longer stands in the predicate of an index: where an indexed column changes, PostgreSQL writes a row's entries in
-- all indexes anew, and each payment changed its status twice or thrice. What expire_transactions must find is told by columns that
-- change once, when the payment ends: it is unpaid, and it counts in the merchant's caps (release_bookings).
--
-- That every open payment is in the index is what the constraints say: an open one is not paid (transactions_paid_at_check), and counts.
-- A payment counts from its beginning.
alter table public.transactions alter column caps_booked_at set default now();
-- None is known; changed by hand it might be.
update public.transactions set caps_booked_at = created_at where status in ('created', 'pending') and caps_booked_at is null;
alter table public.transactions add constraint transactions_caps_booked_at_check
  check (caps_booked_at is not null or status not in ('created', 'pending'));
drop index public.transactions_expires_at_idx;
create index transactions_expires_at_idx on public.transactions (expires_at) where paid_at is null and caps_booked_at is not null;

-- Rows that each payment updates leave the room on their pages to their own next versions. While somebody holds a snapshot none of these can be
-- cleared away: on pages that fill up, each row's versions were spread over as many pages as there are of them, with index entries
-- for each; now they stay together.
alter table public.client_usage set (fillfactor = 10);
alter table public.gateway_states set (fillfactor = 20);
