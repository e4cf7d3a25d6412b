-- What operators need to watch gateways across merchants, and how a merchant's payment page looks.

-- The desk lists gateways by their merchants' names, and the log of one merchant's.
create index clients_company_name_idx on public.clients (lower(company_name), id);
create index gateway_log_client_id_id_idx on public.gateway_log (client_id, id);

alter table public.gateway_log
  drop constraint gateway_log_kind_check,
  add constraint gateway_log_kind_check
    check (kind in ('cooled_down', 'returned', 'recovered', 'cleared', 'activated', 'deactivated'));

-- Logos that were uploaded; the one in force is the client's logo_sha256. Small: each page of a payer shows it.
create table public.client_logos (
  client_id uuid not null constraint client_logos_client_id_fkey references public.clients (id) on delete cascade,
  sha256 text not null constraint client_logos_sha256_check check (sha256 ~ '^[0-9a-f]{64}$'),
  media_type text not null constraint client_logos_media_type_check check (media_type in ('image/png', 'image/jpeg', 'image/webp')),
  content bytea not null constraint client_logos_content_check check (octet_length(content) between 1 and 32768),
  created_at timestamptz not null default now(),
  constraint client_logos_pkey primary key (client_id, sha256)
);
create index client_logos_sha256_idx on public.client_logos (sha256);

alter table public.clients
  -- null: the product's own colour
  add column theme_color text constraint clients_theme_color_check check (theme_color ~ '^#[0-9a-f]{6}$'),
  add column logo_sha256 text,
  -- one of their own
  add constraint clients_id_logo_sha256_fkey foreign key (id, logo_sha256) references public.client_logos (client_id, sha256);
