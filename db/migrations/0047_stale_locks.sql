-- Its caller calls list_stale_locks.
drop function if exists public.list_lost_workers(interval);
