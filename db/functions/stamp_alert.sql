-- Keeps when an alert was resolved, also where it is resolved by itself (then resolved_by stays null).
create or replace function public.stamp_alert() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.resolved_at := coalesce(new.resolved_at, clock_timestamp());
  return new;
end
$$;
create or replace trigger alerts_stamp before update of status on public.alerts
  for each row when (new.status = 'resolved' and old.status <> 'resolved') execute function public.stamp_alert();
