-- Dynamic routing believes older outcomes less, at a pace that follows the merchant's own traffic.

alter table public.gateway_states
  -- {"": {"successes": 91.4, "outcomes": 118.2}, "upi": …}: what is known of the gateway ('') and of its methods, each outcome
  -- counted less the older it is
  add column beliefs jsonb not null default '{}',
  -- when beliefs were counted, and in how many seconds from then on they are worth half; null: they do not age
  add column believed_at timestamptz,
  add column belief_half_life real constraint gateway_states_belief_half_life_check check (belief_half_life > 0);

-- What is known already is the start.
update public.gateway_states set believed_at = now(),
  beliefs = jsonb_build_object('', jsonb_build_object('successes', greatest(0, round(success_rate / 100 * (outcomes + 5) - 5, 2)), 'outcomes', outcomes));

-- They get other parameters, or are gone.
drop function if exists public.routing_keys(text, public.payment_gateways, public.gateway_states, text, integer, boolean, boolean);
drop function if exists public.dynamic_score(numeric, integer);
drop function if exists public.explores(text);
