-- It is about one attempt: attempt_about.
drop function if exists public.attempts_about(uuid, text, text);
