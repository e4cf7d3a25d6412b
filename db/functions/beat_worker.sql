-- Says that a worker pool is alive. Returns how many of its lane are, itself included: what an endpoint or a merchant may be sent at a
-- time is shared out among them, so that no delivery has to count in the database.
create or replace function public.beat_worker(p_worker_id text, p_lane text default null) returns integer
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.worker_heartbeats (worker_id, lane, beat_at) values (p_worker_id, p_lane, clock_timestamp())
    on conflict (worker_id) do update set beat_at = excluded.beat_at;
  return (select count(*) from public.worker_heartbeats
    where worker_id = p_worker_id or lane = p_lane and beat_at > clock_timestamp() - interval '40 seconds');
end
$$;
revoke all on function public.beat_worker from public;
grant execute on function public.beat_worker to jobs;
