-- Takes payments: checks each request, picks one of the merchant's own gateways, books limits, inserts transaction and
-- attempt and adds the job that makes the order at the PSP. All of it commits together; many requests share one call.
--
-- p_requests: array of {client_id, client_key, order_id, amount (paise), currency, redirect_url, customer, method, metadata,
-- description}. One row comes back for each, by its place in the array (from 1): a transaction, or an error code of the
-- merchant API with its parameter and Retry-After; and what is left of the merchant's limits, as admit_request says it. A refused request never spoils the others and writes nothing but the
-- count of requests and, where told so, an alert.
--
-- Idempotency: the same order_id with the same amount and currency answers with the transaction that exists.
-- Locks: client_usage of the merchants named, in id order (merchants do not wait for each other; requests of one merchant
-- are put in order here, which makes rate, caps and idempotency exact); then the best few gateway_states rows, skip locked;
-- pick_gateway waits for one where that did not do. client_key must be the merchant's key of now, or the one before while
-- their overlap lasts: a process that has not heard of a new key yet cannot let the old one in.
create or replace function public.initiate_payments(p_requests jsonb)
returns table (
  ordinal integer, error_code text, error_param text, retry_after_seconds integer, replayed boolean, transaction_id uuid,
  status text, order_id text, amount bigint, currency text, expires_at timestamptz, rate integer[]
)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_size constant integer := jsonb_array_length(p_requests);
  v_now timestamptz;
  v_today date;
  v_month date;
  r record;
  v_picked record;
  i integer;
  j integer;
  -- the answer, by ordinal
  v_rates jsonb[] := array_fill(null::jsonb, array[v_size]);
  v_error text[] := array_fill(null::text, array[v_size]);
  v_param text[] := array_fill(null::text, array[v_size]);
  v_retry integer[] := array_fill(null::integer, array[v_size]);
  v_admitted boolean[] := array_fill(false, array[v_size]);
  v_replayed boolean[] := array_fill(false, array[v_size]);
  v_twin integer[] := array_fill(null::integer, array[v_size]);
  v_transaction uuid[] := array_fill(null::uuid, array[v_size]);
  v_status text[] := array_fill('created'::text, array[v_size]);
  v_expires timestamptz[] := array_fill(null::timestamptz, array[v_size]);
  v_fee numeric[] := array_fill(null::numeric, array[v_size]);
  v_gateway uuid[] := array_fill(null::uuid, array[v_size]);
  v_routing jsonb[] := array_fill(null::jsonb, array[v_size]);
  v_unplaced integer[] := '{}';
  -- the merchant now being worked on
  v_client_id uuid;
  v_window_start timestamptz;
  v_window_count integer;
  v_burst_count integer;
  v_day_count bigint;
  v_day_amount bigint;
  v_month_amount bigint;
  -- its gateways at hand, best first, with what is left on each
  v_ids uuid[];
  v_priorities integer[];
  v_states public.gateway_states[];
  v_weights integer[];
  -- probe_tier, and how many probes a gateway on its way back may still get
  v_tiers integer[];
  v_probes integer[];
  v_turns integer[];
  v_slots integer[];
  v_volumes bigint[];
  v_minimums bigint[];
  v_maximums bigint[];
  v_currencies jsonb[];
  v_methods jsonb[];
  -- why its other gateways do not qualify
  v_skipped jsonb;
  v_turn integer;
  v_best_rate numeric;
  v_highest_rate numeric;
  v_best integer;
  v_best_priority integer;
  v_best_key double precision;
  v_priority integer;
  v_key double precision;
  v_rate numeric;
  v_obstacle text;
  v_obstacles jsonb;
begin
  perform from public.client_usage u
    where u.client_id in (select (e ->> 'client_id')::uuid from jsonb_array_elements(p_requests) e)
    order by u.client_id
    for update;
  v_now := clock_timestamp();
  v_today := (v_now at time zone 'Asia/Kolkata')::date;
  v_month := date_trunc('month', v_today)::date;

  for r in
    select q.ordinal, q.client_id, q.order_id, q.amount, q.currency, q.method,
        c.id is not null as is_known, c.status as client_status, c.rate_limit_per_minute, c.burst_per_second, c.rotation_mode,
        c.max_rpm_per_gateway, c.payment_expiry_seconds, c.fee_percent, c.suspend_threshold, c.max_transaction_amount,
        c.daily_count_cap, c.daily_amount_cap, c.monthly_amount_cap, w.balance_due,
        u.window_started_at, u.window_count, u.burst_started_at, u.burst_count, u.day, u.day_count, u.day_amount, u.month, u.month_amount,
        t.id as known_transaction, t.amount as known_amount, t.currency as known_currency, t.status as known_status,
        t.expires_at as known_expires_at,
        count(*) over client as client_size,
        -- null unless all name the same one
        case when min(coalesce(q.method, '')) over client = max(coalesce(q.method, '')) over client then q.method end as client_method,
        min(coalesce(q.method, '')) over client <> max(coalesce(q.method, '')) over client as mixes_methods,
        min(q.amount) over client as least_amount,
        max(q.amount) over client as greatest_amount,
        min(q.ordinal) over (partition by q.client_id, q.order_id) as first_ordinal
      from (
        select e.ordinality::integer as ordinal,
            (e.value ->> 'client_id')::uuid as client_id,
            e.value ->> 'client_key' as client_key,
            e.value ->> 'order_id' as order_id,
            case when e.value ->> 'amount' ~ '^[0-9]{1,15}$' then (e.value ->> 'amount')::bigint end as amount,
            e.value ->> 'currency' as currency,
            e.value ->> 'method' as method
          from jsonb_array_elements(p_requests) with ordinality e
        ) q
      left join public.clients c on c.id = q.client_id
        and (c.client_key = q.client_key or c.previous_client_key = q.client_key and c.previous_credentials_until > v_now)
      left join public.wallets w on w.client_id = c.id
      left join public.client_usage u on u.client_id = c.id
      left join lateral (
        select x.id, x.amount, x.currency, x.status, x.expires_at from public.transactions x
          where x.client_id = c.id and x.order_id = q.order_id limit 1
        ) t on true
      window client as (partition by q.client_id)
      order by q.client_id, q.ordinal
  loop
    i := r.ordinal;
    if r.client_id is distinct from v_client_id then
      v_client_id := r.client_id;
      v_ids := null;
      v_window_start := case when r.window_started_at > v_now - interval '1 minute' then r.window_started_at else v_now end;
      v_window_count := case when r.window_started_at > v_now - interval '1 minute' then r.window_count else 0 end;
      v_burst_count := case when r.burst_started_at > v_now - interval '1 second' then r.burst_count else 0 end;
      v_day_count := case when r.day = v_today then r.day_count else 0 end;
      v_day_amount := case when r.day = v_today then r.day_amount else 0 end;
      v_month_amount := case when r.month = v_month then r.month_amount else 0 end;
    end if;

    if not r.is_known then
      v_error[i] := 'invalid_credentials';
      continue;
    end if;
    if r.client_status <> 'active' then
      v_error[i] := 'client_suspended';
      continue;
    end if;
    if v_window_count >= r.rate_limit_per_minute then
      v_error[i] := 'rate_limited';
      v_retry[i] := greatest(1, ceil(extract(epoch from v_window_start + interval '1 minute' - v_now)));
    elsif v_burst_count >= r.burst_per_second then
      v_error[i] := 'rate_limited';
      v_retry[i] := 1;
    else
      v_admitted[i] := true;
      v_window_count := v_window_count + 1;
      v_burst_count := v_burst_count + 1;
    end if;
    v_rates[i] := jsonb_build_array(r.rate_limit_per_minute, greatest(0, r.rate_limit_per_minute - v_window_count),
      greatest(1, ceil(extract(epoch from v_window_start + interval '1 minute' - v_now)))::integer,
      r.burst_per_second, greatest(0, r.burst_per_second - v_burst_count));
    if not v_admitted[i] then
      continue;
    end if;

    if r.amount is null or r.amount = 0 then
      v_error[i] := 'invalid_request';
      v_param[i] := 'amount';
      continue;
    elsif r.order_id is null or length(r.order_id) not between 1 and 100 then
      v_error[i] := 'invalid_request';
      v_param[i] := 'order_id';
      continue;
    elsif r.currency is null or r.currency !~ '^[A-Z]{3}$' then
      v_error[i] := 'invalid_request';
      v_param[i] := 'currency';
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
    end if;
    if r.first_ordinal < i then
      v_twin[i] := r.first_ordinal;
      continue;
    end if;

    if r.balance_due >= r.suspend_threshold then
      v_error[i] := 'dues_outstanding';
      continue;
    end if;
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
    if (v_day_count + 1) * 5 >= r.daily_count_cap::bigint * 4 and v_day_count * 5 < r.daily_count_cap::bigint * 4 then
      perform public.raise_alert('cap_nearly_reached', 'warning', 'A merchant has used 80 % of its daily payments.',
        jsonb_build_object('cap', 'daily_count_cap', 'limit', r.daily_count_cap), 'cap:daily_count:' || v_client_id || ':' || v_today, v_client_id);
    end if;
    if (v_day_amount + r.amount) * 5 >= r.daily_amount_cap * 4 and v_day_amount * 5 < r.daily_amount_cap * 4 then
      perform public.raise_alert('cap_nearly_reached', 'warning', 'A merchant has used 80 % of its daily amount.',
        jsonb_build_object('cap', 'daily_amount_cap', 'limit', r.daily_amount_cap), 'cap:daily_amount:' || v_client_id || ':' || v_today, v_client_id);
    end if;
    if (v_month_amount + r.amount) * 5 >= r.monthly_amount_cap * 4 and v_month_amount * 5 < r.monthly_amount_cap * 4 then
      perform public.raise_alert('cap_nearly_reached', 'warning', 'A merchant has used 80 % of its monthly amount.',
        jsonb_build_object('cap', 'monthly_amount_cap', 'limit', r.monthly_amount_cap), 'cap:monthly_amount:' || v_client_id || ':' || v_month, v_client_id);
    end if;

    -- No more rows than requests can be needed here; a row somebody holds is left to others.
    if v_ids is null then
      select coalesce(array_agg(gateway_id), '{}'), array_agg(priority), array_agg(state), array_agg(weight), array_agg(tier), array_agg(probes), array_agg(place), array_agg(slots),
          array_agg(volume_left), array_agg(min_amount), array_agg(max_amount), array_agg(currencies), array_agg(methods)
        into v_ids, v_priorities, v_states, v_weights, v_tiers, v_probes, v_turns, v_slots, v_volumes,
          v_minimums, v_maximums, v_currencies, v_methods
        from (
          select locked.*, row_number() over (order by last_used_at nulls first, gateway_id)::integer as place
            from (
              select s.gateway_id, s as state, g.priority, g.weight, s.last_used_at, g.currencies, g.methods,
                  public.probe_tier(s, r.client_size, v_now) as tier,
                  greatest(1, round(public.probe_share(s.probe_stage) * r.client_size))::integer as probes,
                  coalesce(g.min_amount, 0) as min_amount,
                  coalesce(g.max_amount, 9223372036854775807) as max_amount,
                  case when s.window_started_at > v_now - interval '1 minute'
                    then r.max_rpm_per_gateway - s.window_count else r.max_rpm_per_gateway end as slots,
                  coalesce(g.monthly_limit - case when s.volume_month = v_month then s.volume else 0 end,
                    9223372036854775807) as volume_left
                from public.gateway_states s join public.payment_gateways g on g.id = s.gateway_id
                where s.client_id = r.client_id
                  and coalesce(g.min_amount, 0) <= r.greatest_amount
                  and public.gateway_obstacle(g, s, r.max_rpm_per_gateway, greatest(r.least_amount, g.min_amount),
                    r.currency, r.client_method, v_now) is null
                order by tier, public.routing_keys(r.rotation_mode, g, s, r.client_method, 1, true, v_now), s.gateway_id
                limit case when r.rotation_mode = 'dynamic' or (r.client_size > 1 and (r.rotation_mode = 'weighted' or r.mixes_methods))
                  then 50 else r.client_size end
                for update of s skip locked
              ) locked
          ) ranked;
      v_turn := cardinality(v_ids);
      v_skipped := public.routing_skips(r.client_id, r.max_rpm_per_gateway, r.least_amount, r.currency, r.client_method, v_now);
    end if;

    -- the order of routing_keys, with what the requests before have taken
    v_best := null;
    v_highest_rate := null;
    v_obstacles := v_skipped;
    for j in 1 .. cardinality(v_ids) loop
      v_obstacle := case
        when not v_currencies[j] ? r.currency then 'currency_not_supported'
        when r.method is not null and v_methods[j] is not null and not v_methods[j] ? r.method then 'method_not_supported'
        when r.amount < v_minimums[j] then 'amount_below_minimum'
        when r.amount > v_maximums[j] then 'amount_above_maximum'
        when v_volumes[j] < r.amount then 'monthly_limit_reached'
        when v_slots[j] <= 0 then 'rpm_limit_reached'
      end;
      if v_obstacle is not null then
        v_obstacles := v_obstacles || jsonb_build_object(v_ids[j], v_obstacle);
        continue;
      end if;
      v_rate := public.gateway_rate(v_states[j], r.method);
      v_highest_rate := greatest(v_highest_rate, v_rate);
      v_priority := case r.rotation_mode when 'smart' then -v_priorities[j] else 0 end;
      v_key := case r.rotation_mode
        when 'smart' then -v_rate
        when 'weighted' then -ln(1 - random()) / v_weights[j]
        when 'dynamic' then -public.dynamic_score(v_states[j], r.method, v_now)
        else 0
      end;
      if v_best is null
          or (v_tiers[j], v_priority, v_key, v_turns[j]) < (v_tiers[v_best], v_best_priority, v_best_key, v_turns[v_best]) then
        v_best := j;
        v_best_priority := v_priority;
        v_best_key := v_key;
        v_best_rate := v_rate;
      end if;
    end loop;
    v_fee[i] := r.fee_percent;
    v_expires[i] := v_now + r.payment_expiry_seconds * interval '1 second';
    if v_best is null then
      v_unplaced := v_unplaced || i;
    else
      v_gateway[i] := v_ids[v_best];
      v_routing[i] := jsonb_strip_nulls(jsonb_build_object('mode', r.rotation_mode, 'priority', v_priorities[v_best],
        'success_rate', v_best_rate, 'tried_before', 0, 'probe', case when v_tiers[v_best] <> 1 then true end,
        'explored', case when r.rotation_mode = 'dynamic' and v_highest_rate > v_best_rate then true end,
        'skipped', nullif(v_obstacles - v_ids[v_best]::text, '{}')));
      if v_tiers[v_best] = 0 then
        v_probes[v_best] := v_probes[v_best] - 1;
        if v_probes[v_best] = 0 then
          v_tiers[v_best] := 2;
        end if;
      end if;
      v_slots[v_best] := v_slots[v_best] - 1;
      v_volumes[v_best] := v_volumes[v_best] - r.amount;
      v_turn := v_turn + 1;
      v_turns[v_best] := v_turn;
    end if;
    v_day_count := v_day_count + 1;
    v_day_amount := v_day_amount + r.amount;
    v_month_amount := v_month_amount + r.amount;
  end loop;

  update public.gateway_states s set
      volume = picked.amount + case when s.volume_month = v_month then s.volume else 0 end,
      volume_month = v_month,
      window_count = picked.count + case when s.window_started_at > v_now - interval '1 minute' then s.window_count else 0 end,
      window_started_at = case when s.window_started_at > v_now - interval '1 minute' then s.window_started_at else v_now end,
      probe_sent_at = case s.probe_stage when 0 then v_now else s.probe_sent_at end,
      last_used_at = v_now + picked.last * interval '1 microsecond'
    from (
      select g.gateway_id, count(*)::integer as count, sum((p_requests -> (g.ordinality::integer - 1) ->> 'amount')::bigint) as amount,
          max(g.ordinality) as last
        from unnest(v_gateway) with ordinality g (gateway_id, ordinality)
        where g.gateway_id is not null
        group by 1
      ) picked
    where s.gateway_id = picked.gateway_id;

  v_client_id := null;
  foreach i in array v_unplaced loop
    select e.client_id, e.amount, e.currency, e.method into r
      from jsonb_to_record(p_requests -> (i - 1)) e (client_id uuid, amount bigint, currency text, method text);
    select p.gateway_id, p.routing into v_picked
      from public.pick_gateway(r.client_id, r.amount, r.currency, r.method, '{}', v_now) p;
    if found then
      v_gateway[i] := v_picked.gateway_id;
      v_routing[i] := v_picked.routing;
    else
      v_error[i] := 'service_unavailable';
      v_retry[i] := public.routing_retry_after(r.client_id, r.amount, r.currency, r.method, v_now);
      if r.client_id is distinct from v_client_id then
        v_client_id := r.client_id;
        perform public.raise_alert('no_gateway', 'critical', 'A payment was refused because no gateway of the merchant qualifies.',
          jsonb_build_object('amount', r.amount, 'currency', r.currency, 'method', r.method), 'no_gateway:' || r.client_id, r.client_id);
      end if;
    end if;
  end loop;

  for i in 1 .. v_size loop
    if v_gateway[i] is not null then
      v_transaction[i] := uuidv7();
    end if;
  end loop;

  insert into public.transactions (id, order_id, client_id, gateway_id, customer_id, customer, amount, currency, method, description,
      redirect_url, metadata, fee_percent, expires_at, caps_booked_at, created_at, updated_at)
    select n.transaction_id, e.value ->> 'order_id', (e.value ->> 'client_id')::uuid, n.gateway_id,
        e.value -> 'customer' ->> 'id', coalesce(e.value -> 'customer', '{}'), (e.value ->> 'amount')::bigint,
        e.value ->> 'currency', e.value ->> 'method', e.value ->> 'description', e.value ->> 'redirect_url',
        coalesce(e.value -> 'metadata', '{}'), n.fee_percent, n.expires_at, v_now, v_now, v_now
      from unnest(v_transaction, v_gateway, v_fee, v_expires) with ordinality n (transaction_id, gateway_id, fee_percent, expires_at, ordinality)
      join jsonb_array_elements(p_requests) with ordinality e on e.ordinality = n.ordinality
      where n.gateway_id is not null;

  with attempts as (
    insert into public.payment_attempts (transaction_id, client_id, gateway_id, attempt_no, amount, routing, created_at, updated_at)
      select n.transaction_id, (e.value ->> 'client_id')::uuid, n.gateway_id, 1, (e.value ->> 'amount')::bigint, n.routing, v_now, v_now
        from unnest(v_transaction, v_gateway, v_routing) with ordinality n (transaction_id, gateway_id, routing, ordinality)
        join jsonb_array_elements(p_requests) with ordinality e on e.ordinality = n.ordinality
        where n.gateway_id is not null
      returning id, gateway_id
  ), specs as (
    -- the task's name as of egress_task
    select array_agg(('create_psp_order' || coalesce(':' || g.egress_group, ''), json_build_object('attempt_id', a.id), null, null, 3,
        null, null, null)::graphile_worker.job_spec) as jobs
      from attempts a join public.payment_gateways g on g.id = a.gateway_id
  )
  select count(j.id) into j from specs, graphile_worker.add_jobs(specs.jobs) j where specs.jobs is not null;

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
      select (e.value ->> 'client_id')::uuid as client_id, count(*) filter (where n.is_admitted)::integer as admitted,
          count(n.gateway_id)::integer as count,
          coalesce(sum((e.value ->> 'amount')::bigint) filter (where n.gateway_id is not null), 0) as amount
        from unnest(v_admitted, v_gateway) with ordinality n (is_admitted, gateway_id, ordinality)
        join jsonb_array_elements(p_requests) with ordinality e on e.ordinality = n.ordinality
        group by 1
        having bool_or(n.is_admitted)
      ) used
    where u.client_id = used.client_id;

  for i in 1 .. v_size loop
    j := v_twin[i];
    if j is not null then
      if v_error[j] is not null then
        v_error[i] := v_error[j];
        v_param[i] := v_param[j];
        v_retry[i] := v_retry[j];
      elsif (p_requests -> (i - 1) -> 'amount', p_requests -> (i - 1) -> 'currency')
          is distinct from (p_requests -> (j - 1) -> 'amount', p_requests -> (j - 1) -> 'currency') then
        v_error[i] := 'order_id_conflict';
        v_param[i] := 'order_id';
      else
        v_replayed[i] := true;
        v_transaction[i] := v_transaction[j];
        v_status[i] := v_status[j];
        v_expires[i] := v_expires[j];
      end if;
    end if;
  end loop;

  return query
    select e.ordinality::integer, n.error_code, n.error_param, n.retry_after, n.replayed, n.transaction_id,
        n.status, e.value ->> 'order_id', case when n.error_code is null then (e.value ->> 'amount')::bigint end,
        e.value ->> 'currency', n.expires_at,
        array[(n.rate ->> 0)::integer, (n.rate ->> 1)::integer, (n.rate ->> 2)::integer, (n.rate ->> 3)::integer, (n.rate ->> 4)::integer]
      from unnest(v_error, v_param, v_retry, v_replayed, v_transaction, v_status, v_expires, v_rates)
        with ordinality n (error_code, error_param, retry_after, replayed, transaction_id, status, expires_at, rate, ordinality)
      join jsonb_array_elements(p_requests) with ordinality e on e.ordinality = n.ordinality
      order by e.ordinality;
end
$$;
revoke all on function public.initiate_payments from public;
grant execute on function public.initiate_payments to checkout;
