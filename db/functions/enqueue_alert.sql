-- Adds the job that sends an alert: now, or when the silence of its key ends. Returns whether the key is silenced. A later
-- silence moves the job that waits for the end of the earlier; of several jobs for one alert the first sends it.
create or replace function public.enqueue_alert(p_alert_id uuid, p_dedupe_key text) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  v_until constant timestamptz := (select silenced_until from public.alert_silences
    where dedupe_key = p_dedupe_key and silenced_until > clock_timestamp());
begin
  perform graphile_worker.add_job('send_alert', json_build_object('alert_id', p_alert_id), run_at => coalesce(v_until, now()),
    max_attempts => 4, job_key => case when v_until is not null then 'send_alert:' || p_alert_id end);
  return v_until is not null;
end
$$;
revoke all on function public.enqueue_alert from public;
