-- Takes payments: checks each request, picks one of the merchant's own gateways, books limits, inserts transaction and
-- attempt and adds the job that makes the order at the PSP. All of it commits together; many requests share one call.
--
-- p_requests: array of {client_id, client_key, order_id, amount (paise), currency, redirect_url, customer, method, metadata,
-- description}. One row comes back for each, in its place: a transaction, or an error code of the merchant API with its
-- parameter and Retry-After; and what is left of the merchant's limits, as admit_request says it. A refused request never
-- spoils the others and writes nothing but the count of requests and, where told so, an alert.
--
-- Idempotency: the same order_id with the same amount and currency answers with the transaction that exists.
-- Locks: client_usage of the merchants named, in id order (merchants do not wait for each other; requests of one merchant
-- are put in order here, which makes rate, caps and idempotency exact, and nobody else books on the merchant's gateways); then
-- the gateway_states rows that were picked, skip locked; where one is held pick_gateway finds another, or waits.
-- client_key must be the merchant's key of now, or the one before while their overlap lasts: a process that has not heard of a
-- new key yet cannot let the old one in.
--
-- Cost: the number of statements does not depend on the number of requests, and each expression below is set up once a call,
-- which costs more than evaluating it: it pays to have few of them.
create or replace function public.initiate_payments(p_requests jsonb)
returns table (
  error_code text, error_param text, retry_after_seconds integer, replayed boolean, transaction_id uuid, status text,
  expires_at timestamptz, rate integer[]
)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_size constant integer := jsonb_array_length(p_requests);
  v_now timestamptz;
  v_today date;
  v_month date;
  r record;
  i integer;
  j integer;
  -- the answers, by ordinal
  v_error text[];
  v_param text[];
  v_retry integer[];
  v_replayed boolean[];
  v_twin integer[];
  v_status text[];
  -- each an integer[] as text: arrays hold no arrays
  v_rates text[];
  -- what is to be written, by ordinal
  v_admitted boolean[] := array_fill(false, array[v_size]);
  v_transaction uuid[] := array_fill(null::uuid, array[v_size]);
  v_expires timestamptz[] := array_fill(null::timestamptz, array[v_size]);
  v_fee numeric[] := array_fill(null::numeric, array[v_size]);
  v_gateway uuid[] := array_fill(null::uuid, array[v_size]);
  v_task text[] := array_fill(null::text, array[v_size]);
  v_routing jsonb[] := array_fill(null::jsonb, array[v_size]);
  -- gateways as they are after each payment
  v_booked public.gateway_states[];
  v_unplaced integer[] := '{}';
  -- the merchant now being worked on
  v_client_id uuid;
  v_window_count integer;
  v_burst_count integer;
  v_day_count bigint;
  v_day_amount bigint;
  v_month_amount bigint;
  -- its gateways that may take a payment, the one whose turn it is first, with what the requests before have taken
  v_gateways public.payment_gateways[];
  v_states public.gateway_states[];
  v_state public.gateway_states;
  -- probe_tier, and how many probes a gateway on its way back may still get
  v_tiers integer[];
  v_probes integer[];
  v_keys double precision[];
  v_best integer;
  v_is_found boolean;
  v_best_keys double precision[];
  v_highest_rate numeric;
  v_rate numeric;
  -- why others do not qualify
  v_skipped jsonb;
  v_obstacle text;
  v_obstacles jsonb;
begin
  perform from public.client_usage u
    where u.client_id = any (array(select (e ->> 'client_id')::uuid from jsonb_array_elements(p_requests) e))
    order by u.client_id
    for update;
  v_now := clock_timestamp();
  v_today := (v_now at time zone 'Asia/Kolkata')::date;
  v_month := date_trunc('month', v_today)::date;

  for r in
    select q.ordinal, q.client_id, q.order_id, q.amount, q.currency, q.method, q.client_size, q.first_ordinal,
        c.id is not null as is_known, c.status as client_status, c.rate_limit_per_minute, c.burst_per_second, c.rotation_mode,
        c.max_rpm_per_gateway, c.fee_percent, v_now + c.payment_expiry_seconds * interval '1 second' as payment_expires_at,
        c.max_transaction_amount, c.daily_count_cap, c.daily_amount_cap, c.monthly_amount_cap,
        num_nonnulls(c.max_transaction_amount, c.daily_count_cap, c.daily_amount_cap, c.monthly_amount_cap) > 0 as has_caps,
        w.balance_due >= c.suspend_threshold as owes_too_much,
        case when u.window_started_at > v_now - interval '1 minute' then u.window_count else 0 end as window_count,
        case when u.window_started_at > v_now - interval '1 minute'
          then greatest(1, ceil(extract(epoch from u.window_started_at + interval '1 minute' - v_now)))::integer else 60 end as window_ends,
        case when u.burst_started_at > v_now - interval '1 second' then u.burst_count else 0 end as burst_count,
        case when u.day = v_today then u.day_count else 0 end as day_count,
        case when u.day = v_today then u.day_amount else 0 end as day_amount,
        case when u.month = v_month then u.month_amount else 0 end as month_amount,
        t.id as known_transaction, t.amount as known_amount, t.currency as known_currency, t.status as known_status,
        t.expires_at as known_expires_at, routes.*,
        -- whether the gateways below come in the order in which this request would take them
        q.client_size = 1 and c.rotation_mode <> 'dynamic'
          or q.methods_named = 0 and c.rotation_mode in ('smart', 'round_robin') as is_ordered
      from (
        select e.ordinal::integer, e.client_id, e.client_key, e.order_id, e.currency, e.method,
            case when e.amount ~ '^[0-9]{1,15}$' then e.amount::bigint end as amount,
            row_number() over (partition by e.client_id order by e.ordinal) as place,
            count(*) over client as client_size,
            count(e.method) over client as methods_named,
            min(e.ordinal) over (partition by e.client_id, e.order_id) as first_ordinal
          from rows from (
              jsonb_to_recordset(p_requests) as (client_id uuid, client_key text, order_id text, amount text, currency text, method text)
            ) with ordinality e (client_id, client_key, order_id, amount, currency, method, ordinal)
          window client as (partition by e.client_id)
        ) q
      left join public.clients c on c.id = q.client_id
        and (c.client_key = q.client_key or c.previous_client_key = q.client_key and c.previous_credentials_until > v_now)
      left join public.wallets w on w.client_id = c.id
      left join public.client_usage u on u.client_id = q.client_id
      left join lateral (
        select x.id, x.amount, x.currency, x.status, x.expires_at from public.transactions x
          where x.client_id = c.id and x.order_id = q.order_id limit 1
        ) t on true
      -- Once for each merchant. What a request asks for is looked at here only when it is the merchant's only one.
      left join lateral (
        select array_agg(g) filter (where obstacle is null) as gateways, array_agg(s) filter (where obstacle is null) as states,
            array_agg(tier) filter (where obstacle is null) as tiers,
            jsonb_object_agg((s).gateway_id, obstacle) filter (where obstacle is not null) as skipped
          from (
            select g, s, public.probe_tier(s, q.client_size, v_now) as tier,
                case when q.client_size = 1
                  then public.gateway_obstacle(g, s, c.max_rpm_per_gateway, q.amount, q.currency, q.method, v_now)
                  else public.gateway_obstacle(g, s, c.max_rpm_per_gateway, null, null, null, v_now) end as obstacle
              from public.gateway_states s join public.payment_gateways g on g.id = s.gateway_id
              where s.client_id = c.id and q.place = 1
              order by tier, public.routing_keys(c.rotation_mode, g, s, q.method, 1, true, v_now), s.gateway_id
          ) in_order
        ) routes on true
      order by q.client_id, q.ordinal
  loop
    i := r.ordinal;
    if r.client_id is distinct from v_client_id then
      v_client_id := r.client_id;
      v_window_count := r.window_count;
      v_burst_count := r.burst_count;
      v_day_count := r.day_count;
      v_day_amount := r.day_amount;
      v_month_amount := r.month_amount;
      v_gateways := r.gateways;
      v_states := r.states;
      v_tiers := r.tiers;
      v_probes := null;
      v_skipped := r.skipped;
    end if;

    if not r.is_known then
      v_error[i] := 'invalid_credentials';
      continue;
    elsif r.client_status <> 'active' then
      v_error[i] := 'client_suspended';
      continue;
    end if;
    if v_window_count < r.rate_limit_per_minute and (v_burst_count < r.burst_per_second) is not false then
      v_admitted[i] := true;
      v_window_count := v_window_count + 1;
      v_burst_count := v_burst_count + 1;
    end if;
    v_rates[i] := array[r.rate_limit_per_minute, greatest(0, r.rate_limit_per_minute - v_window_count), r.window_ends,
      r.burst_per_second, greatest(0, r.burst_per_second - v_burst_count)]::text;
    if not v_admitted[i] then
      v_error[i] := 'rate_limited';
      v_retry[i] := case when v_window_count >= r.rate_limit_per_minute then r.window_ends else 1 end;
      continue;
    end if;

    v_param[i] := case
      when r.amount is null or r.amount = 0 then 'amount'
      when r.order_id is null or length(r.order_id) not between 1 and 100 then 'order_id'
      when r.currency is null or r.currency !~ '^[A-Z]{3}$' then 'currency'
    end;
    if v_param[i] is not null then
      v_error[i] := 'invalid_request';
      continue;
    end if;
    if r.known_transaction is not null then
      if r.known_amount = r.amount and r.known_currency = r.currency then
        v_replayed[i] := true;
        v_transaction[i] := r.known_transaction;
        v_status[i] := r.known_status;
        v_expires[i] := r.known_expires_at;
      else
        v_error[i] := 'order_id_conflict';
        v_param[i] := 'order_id';
      end if;
      continue;
    elsif r.first_ordinal < i then
      v_twin[i] := r.first_ordinal;
      continue;
    end if;

    if r.owes_too_much then
      v_error[i] := 'dues_outstanding';
      continue;
    end if;
    if r.has_caps then
      v_param[i] := case
        when r.amount > r.max_transaction_amount then 'max_transaction_amount'
        when v_day_count + 1 > r.daily_count_cap then 'daily_count_cap'
        when v_day_amount + r.amount > r.daily_amount_cap then 'daily_amount_cap'
        when v_month_amount + r.amount > r.monthly_amount_cap then 'monthly_amount_cap'
      end;
      if v_param[i] is not null then
        v_error[i] := 'cap_exceeded';
        continue;
      end if;
      perform public.warn_of_cap(v_client_id, 'daily_count_cap', v_today, v_day_count, v_day_count + 1, r.daily_count_cap);
      perform public.warn_of_cap(v_client_id, 'daily_amount_cap', v_today, v_day_amount, v_day_amount + r.amount, r.daily_amount_cap);
      perform public.warn_of_cap(v_client_id, 'monthly_amount_cap', v_month, v_month_amount, v_month_amount + r.amount, r.monthly_amount_cap);
      v_day_count := v_day_count + 1;
      v_day_amount := v_day_amount + r.amount;
      v_month_amount := v_month_amount + r.amount;
    end if;

    v_best := null;
    v_is_found := false;
    v_highest_rate := null;
    v_obstacles := v_skipped;
    for j in 1 .. coalesce(cardinality(v_gateways), 0) loop
      -- of a merchant's only request all obstacles are known
      exit when v_is_found and r.client_size = 1;
      v_obstacle := public.gateway_obstacle(v_gateways[j], v_states[j], r.max_rpm_per_gateway, r.amount, r.currency, r.method, v_now);
      if v_obstacle is not null then
        v_obstacles := coalesce(v_obstacles, '{}') || jsonb_build_object(v_states[j].gateway_id, v_obstacle);
        continue;
      end if;
      continue when v_is_found;
      v_keys := public.routing_keys(r.rotation_mode, v_gateways[j], v_states[j], r.method, v_tiers[j], true, v_now);
      if v_best is null or v_keys < v_best_keys then
        v_best := j;
        v_best_keys := v_keys;
      end if;
      -- those behind it were not taken yet either, and stand in their order
      v_is_found := r.is_ordered and (v_states[j].last_used_at >= v_now) is not true;
      if r.rotation_mode = 'dynamic' then
        v_highest_rate := greatest(v_highest_rate, public.gateway_rate(v_states[j], r.method));
      end if;
    end loop;
    v_fee[i] := r.fee_percent;
    v_expires[i] := r.payment_expires_at;
    v_transaction[i] := uuidv7();
    if v_best is null then
      v_unplaced := v_unplaced || i;
      continue;
    end if;
    v_state := v_states[v_best];
    v_rate := public.gateway_rate(v_state, r.method);
    v_gateway[i] := v_state.gateway_id;
    v_task[i] := public.grouped_task('create_psp_order', v_gateways[v_best].egress_group);
    v_routing[i] := jsonb_strip_nulls(jsonb_build_object('mode', r.rotation_mode, 'priority', v_gateways[v_best].priority,
      'success_rate', v_rate, 'tried_before', 0, 'probe', case when v_tiers[v_best] <> 1 then true end,
      'explored', case when v_highest_rate > v_rate then true end, 'skipped', v_obstacles));
    if v_tiers[v_best] = 0 then
      v_probes[v_best] := coalesce(v_probes[v_best], greatest(1, round(public.probe_share(v_state.probe_stage) * r.client_size))::integer) - 1;
      if v_probes[v_best] = 0 then
        v_tiers[v_best] := 2;
      end if;
    end if;
    v_state.volume := r.amount + case when v_state.volume_month = v_month then v_state.volume else 0 end;
    v_state.volume_month := v_month;
    v_state.window_count := 1 + case when v_state.window_started_at > v_now - interval '1 minute' then v_state.window_count else 0 end;
    v_state.window_started_at := case when v_state.window_started_at > v_now - interval '1 minute' then v_state.window_started_at else v_now end;
    v_state.last_used_at := v_now + i * interval '1 microsecond';
    v_states[v_best] := v_state;
    v_booked := array_append(v_booked, v_state);
  end loop;

  -- Volume, window and last use change only under the lock on client_usage; the rest of a row may have changed since it was read.
  with booked as (
    update public.gateway_states s set
        volume = b.volume, volume_month = b.volume_month, window_count = b.window_count, window_started_at = b.window_started_at,
        probe_sent_at = case s.probe_stage when 0 then v_now else s.probe_sent_at end, last_used_at = b.last_used_at
      from (select distinct on (gateway_id) * from unnest(v_booked) order by gateway_id, last_used_at desc) b,
        lateral (select from public.gateway_states l where l.gateway_id = b.gateway_id for update skip locked) held
      where s.gateway_id = b.gateway_id
      returning s.gateway_id
  )
  select v_unplaced || array_agg(n.ordinal::integer order by n.ordinal) into v_unplaced
    from unnest(v_gateway) with ordinality n (gateway_id, ordinal)
    where n.gateway_id is not null and n.gateway_id <> all (array(select gateway_id from booked));

  v_client_id := null;
  foreach i in array v_unplaced loop
    select e.client_id, e.amount, e.currency, e.method, p.gateway_id, p.routing into r
      from jsonb_to_record(p_requests -> (i - 1)) e (client_id uuid, amount bigint, currency text, method text)
      left join lateral public.pick_gateway(e.client_id, e.amount, e.currency, e.method, '{}', v_now) p on true;
    v_gateway[i] := r.gateway_id;
    v_routing[i] := r.routing;
    v_task[i] := public.egress_task('create_psp_order', r.gateway_id);
    if r.gateway_id is null then
      v_transaction[i] := null;
      v_error[i] := 'service_unavailable';
      v_retry[i] := public.routing_retry_after(r.client_id, r.amount, r.currency, r.method, v_now);
      if r.client_id is distinct from v_client_id then
        v_client_id := r.client_id;
        perform public.raise_alert('no_gateway', 'critical', 'A payment was refused because no gateway of the merchant qualifies.',
          jsonb_build_object('amount', r.amount, 'currency', r.currency, 'method', r.method), 'no_gateway:' || r.client_id, r.client_id);
      end if;
    end if;
  end loop;

  -- Side by side with the requests, by ordinal; only what got a gateway is new.
  with made as (
    select uuidv7() as attempt_id, n.*
      from rows from (
        jsonb_to_recordset(p_requests) as (client_id uuid, order_id text, amount text, currency text, method text, customer jsonb,
          metadata jsonb, description text, redirect_url text),
        unnest(v_transaction), unnest(v_gateway), unnest(v_task), unnest(v_routing), unnest(v_fee), unnest(v_expires)
      ) n (client_id, order_id, amount, currency, method, customer, metadata, description, redirect_url,
        transaction_id, gateway_id, task, routing, fee_percent, expires_at)
      where n.gateway_id is not null
  ), transactions as (
    insert into public.transactions (id, order_id, client_id, gateway_id, customer_id, customer, amount, currency, method, description,
        redirect_url, metadata, fee_percent, expires_at, caps_booked_at, created_at, updated_at)
      select transaction_id, order_id, client_id, gateway_id, customer ->> 'id', coalesce(customer, '{}'), amount::bigint, currency, method,
          description, redirect_url, coalesce(metadata, '{}'), fee_percent, expires_at, v_now, v_now, v_now
        from made
  ), attempts as (
    insert into public.payment_attempts (id, transaction_id, client_id, gateway_id, attempt_no, amount, routing, created_at, updated_at)
      select attempt_id, transaction_id, client_id, gateway_id, 1, amount::bigint, routing, v_now, v_now from made
  )
  select count(pg_notify('job_lane', 'orders')::text) into j
    from (
      select array_agg((task, json_build_object('attempt_id', attempt_id), null, null, 3, null, null, null)::graphile_worker.job_spec) as specs
        from made having count(*) > 0
    ) jobs, graphile_worker.add_jobs(jobs.specs);

  update public.client_usage u set
      window_count = used.admitted + case when u.window_started_at > v_now - interval '1 minute' then u.window_count else 0 end,
      window_started_at = case when u.window_started_at > v_now - interval '1 minute' then u.window_started_at else v_now end,
      burst_count = used.admitted + case when u.burst_started_at > v_now - interval '1 second' then u.burst_count else 0 end,
      burst_started_at = case when u.burst_started_at > v_now - interval '1 second' then u.burst_started_at else v_now end,
      day_count = used.count + case when u.day = v_today then u.day_count else 0 end,
      day_amount = used.amount + case when u.day = v_today then u.day_amount else 0 end,
      day = v_today,
      month_amount = used.amount + case when u.month = v_month then u.month_amount else 0 end,
      month = v_month
    from (
      select n.client_id, count(*)::integer as admitted, count(n.gateway_id)::integer as count,
          coalesce(sum(n.amount::bigint) filter (where n.gateway_id is not null), 0) as amount
        from rows from (jsonb_to_recordset(p_requests) as (client_id uuid, amount text), unnest(v_admitted), unnest(v_gateway))
          n (client_id, amount, is_admitted, gateway_id)
        where n.is_admitted
        group by 1
      ) used
    where u.client_id = used.client_id;

  for i in 1 .. v_size loop
    -- A repetition within the call is answered as the request that it repeats.
    j := coalesce(v_twin[i], i);
    error_code := v_error[j];
    error_param := v_param[j];
    retry_after_seconds := v_retry[j];
    replayed := i <> j or coalesce(v_replayed[i], false);
    if i <> j and error_code is null and (p_requests -> (i - 1) -> 'amount', p_requests -> (i - 1) -> 'currency')
        is distinct from (p_requests -> (j - 1) -> 'amount', p_requests -> (j - 1) -> 'currency') then
      error_code := 'order_id_conflict';
      error_param := 'order_id';
    end if;
    transaction_id := v_transaction[j];
    status := coalesce(v_status[j], 'created');
    expires_at := v_expires[j];
    rate := v_rates[i]::integer[];
    return next;
  end loop;
end
$$;
revoke all on function public.initiate_payments from public;
grant execute on function public.initiate_payments to checkout;
