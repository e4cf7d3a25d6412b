-- Writes down how a base backup or a restore test ended. p_error null = it succeeded and was verified. A failure opens a
-- critical alert; the next success of its kind closes it. p_outcome: {bytes, wal_from, wal_to, details}.
create or replace function public.finish_backup(p_id uuid, p_error text, p_outcome jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_backup public.backups;
begin
  update public.backups set
      result = case when p_error is null then 'succeeded' else 'failed' end,
      finished_at = clock_timestamp(),
      verified_at = case when p_error is null then clock_timestamp() end,
      error = p_error,
      bytes = (p_outcome ->> 'bytes')::bigint,
      wal_from = (p_outcome ->> 'wal_from')::pg_lsn,
      wal_to = (p_outcome ->> 'wal_to')::pg_lsn,
      details = coalesce(p_outcome -> 'details', '{}')
    where id = p_id and result = 'running'
    returning * into v_backup;
  if not found then
    return;
  elsif p_error is null then
    update public.alerts set status = 'resolved' where dedupe_key = 'backup_failed:' || v_backup.kind and status <> 'resolved';
  else
    perform public.raise_alert('backup_failed', 'critical',
      case v_backup.kind when 'base' then 'A base backup failed: ' else 'A backup could not be restored: ' end || p_error,
      jsonb_build_object('kind', v_backup.kind, 'label', v_backup.label), 'backup_failed:' || v_backup.kind);
  end if;
end
$$;
revoke all on function public.finish_backup from public;
grant execute on function public.finish_backup to jobs;
