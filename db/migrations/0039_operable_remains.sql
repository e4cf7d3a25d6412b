-- What a worker pool works on, so that those of one lane know how many they are.
alter table public.worker_heartbeats add column lane text;
drop function if exists public.beat_worker(text);

-- It says whether the payment is new.
drop function if exists public.open_payment_link(text);

-- It takes a key of what the operator confirms.
drop function if exists public.create_refund_for_operator(uuid, bigint, text, text);

-- Outcomes of each gateway by the hour, to compare an hour with the same one of last week. close_gateway_hours() alone writes them,
-- nine days of them.

-- An hour of Asia/Kolkata in which attempts of the gateway ended; a gateway without any has no row.
create table public.gateway_hours (
  hour timestamptz not null,
  gateway_id uuid not null,
  client_id uuid not null,
  -- attempts decided in this hour, without those that the payer gave up; both may be 0
  succeeded integer not null,
  failed integer not null,
  constraint gateway_hours_pkey primary key (hour, gateway_id),
  constraint gateway_hours_gateway_id_client_id_fkey foreign key (gateway_id, client_id) references public.payment_gateways (id, client_id)
);
