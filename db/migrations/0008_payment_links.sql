-- Links that a merchant or an operator shares; each use makes a payment through the hosted page.

create table public.payment_links (
  id uuid constraint payment_links_pkey primary key default uuidv7(),
  client_id uuid not null constraint payment_links_client_id_fkey references public.clients (id),
  -- who has the link may pay: not to be guessed (94 random bits)
  code text not null default left(replace(gen_random_uuid()::text, '-', ''), 12) || right(gen_random_uuid()::text, 12)
    constraint payment_links_code_key unique
    constraint payment_links_code_check check (code ~ '^[a-z0-9]{16,32}$'),
  -- paise
  amount bigint not null constraint payment_links_amount_check check (amount between 1 and 999999999999999),
  currency text not null default 'INR' constraint payment_links_currency_check check (currency ~ '^[A-Z]{3}$'),
  description text constraint payment_links_description_check check (length(description) <= 250),
  -- the merchant's own id of it
  reference text constraint payment_links_reference_check check (length(reference) between 1 and 100),
  usage text not null default 'single' constraint payment_links_usage_check check (usage in ('single', 'multiple')),
  expires_at timestamptz,
  redirect_url text constraint payment_links_redirect_url_check check (redirect_url ~ '^https?://'),
  is_disabled boolean not null default false,
  -- payments begun, also the last part of their order ids
  payments_begun integer not null default 0,
  created_at timestamptz not null default now(),
  constraint payment_links_id_client_id_key unique (id, client_id)
);
create unique index payment_links_client_id_reference_key on public.payment_links (client_id, reference)
  where reference is not null;
create index payment_links_client_id_id_idx on public.payment_links (client_id, id);

create table public.payment_link_payments (
  transaction_id uuid constraint payment_link_payments_pkey primary key,
  payment_link_id uuid not null,
  client_id uuid not null,
  constraint payment_link_payments_client_id_transaction_id_fkey foreign key (client_id, transaction_id)
    references public.transactions (client_id, id),
  constraint payment_link_payments_payment_link_id_client_id_fkey foreign key (payment_link_id, client_id)
    references public.payment_links (id, client_id)
);
create index payment_link_payments_payment_link_id_idx on public.payment_link_payments (payment_link_id, transaction_id);
