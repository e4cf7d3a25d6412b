-- Dynamic routing, success rates a method, and the way back of a gateway that cooled down (its circuit: closed, open, half
-- open). State is in the gateway's one hot row, so every process sees the same.

alter table public.clients
  drop constraint clients_rotation_mode_check,
  add constraint clients_rotation_mode_check check (rotation_mode in ('smart', 'round_robin', 'weighted', 'dynamic'));

alter table public.payment_gateways
  add constraint payment_gateways_egress_group_check check (egress_group ~ '^[a-z][a-z0-9_-]{0,30}$' and egress_group <> 'default');

alter table public.gateway_states
  -- null: closed, takes its full share. 0: one request at a time is let through once the cool-down is over; 1, 2, 3: a
  -- growing share of the requests
  add column probe_stage smallint constraint gateway_states_probe_stage_check check (probe_stage between 0 and 3),
  -- successes at this stage
  add column probe_passes smallint not null default 0,
  -- when the single request of stage 0 was sent
  add column probe_sent_at timestamptz,
  -- cool-downs in a row without a full return; each doubles the next
  add column cooldowns_in_row smallint not null default 0,
  -- outcomes behind success_rate
  add column outcomes smallint not null default 0,
  -- {"upi": {"rate": 97.1, "outcomes": 125}, …}
  add column method_rates jsonb not null default '{}';

alter table public.gateway_log
  drop constraint gateway_log_kind_check,
  add constraint gateway_log_kind_check
    check (kind in ('cooled_down', 'returned', 'recovered', 'activated', 'deactivated'));

-- They get more parameters and columns.
drop function if exists public.explain_routing(uuid, bigint, text, text);
drop function if exists public.pick_gateway(uuid, bigint, text, text, uuid[], timestamptz);
