-- Writes down that a base backup, or a restore test of one, has begun. Runs of its kind that never ended (their process was
-- killed) are closed as failed first. Returns its id.
create or replace function public.begin_backup(p_kind text, p_label text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  v_id uuid;
begin
  update public.backups set result = 'failed', finished_at = clock_timestamp(), error = 'The process ended before it was done.'
    where kind = p_kind and result = 'running';
  insert into public.backups (kind, label) values (p_kind, p_label) returning id into v_id;
  return v_id;
end
$$;
revoke all on function public.begin_backup from public;
grant execute on function public.begin_backup to jobs;
