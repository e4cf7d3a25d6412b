-- The check of recent changes went through all until then.
create or replace function public.close_check_window(p_until timestamptz) returns void
language sql security definer set search_path = '' as $$
  insert into public.check_windows as w (id, checked_until) values (1, p_until)
    on conflict (id) do update set checked_until = greatest(w.checked_until, excluded.checked_until)
$$;
revoke all on function public.close_check_window from public;
grant execute on function public.close_check_window to jobs;
