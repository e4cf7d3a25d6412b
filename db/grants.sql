-- What the role `studio` (Directus) may touch in `public`: columns, not tables. Whatever an operator's policy in the studio
-- says, these are the walls behind it. Rights on functions stand in the functions' own files.
--
-- Directus selects every column of which it sees any right, so a secret's column gets none; ciphertext comes in through the
-- new_… columns (accept_client_secrets, accept_gateway_secrets). Tables not named here do not exist for the studio.
-- Nothing may be deleted: clients and gateways are switched off, money is history.

-- On a table this takes the rights on its columns as well, so what is no longer written below is gone.
revoke all on all tables in schema public from studio;

grant select (
  id, client_key, company_name, legal_name, gstin, email, phone, address, state_code, webhook_url,
  previous_webhook_secret_until, previous_client_key, previous_credentials_until, redirect_urls, fee_percent, suspend_threshold, rate_limit_per_minute, rate_plan, burst_per_second, rotation_mode,
  max_rpm_per_gateway, cooldown_seconds, payment_expiry_seconds, max_transaction_amount, daily_count_cap,
  daily_amount_cap, monthly_amount_cap, allow_plain_salt, reverse_commission_on_refund, status, kyc_status, created_at,
  updated_at, new_client_salt, new_webhook_secret, theme_color, logo_sha256
), insert (
  id, client_key, company_name, legal_name, gstin, email, phone, address, state_code, webhook_url, redirect_urls,
  fee_percent, suspend_threshold, rate_limit_per_minute, rate_plan, burst_per_second, rotation_mode, max_rpm_per_gateway, cooldown_seconds,
  payment_expiry_seconds, max_transaction_amount, daily_count_cap, daily_amount_cap, monthly_amount_cap, allow_plain_salt,
  reverse_commission_on_refund, status, kyc_status, new_client_salt, new_webhook_secret, theme_color
), update (
  company_name, legal_name, gstin, email, phone, address, state_code, webhook_url, redirect_urls, fee_percent,
  suspend_threshold, rate_limit_per_minute, rate_plan, burst_per_second, rotation_mode, max_rpm_per_gateway, cooldown_seconds, payment_expiry_seconds,
  max_transaction_amount, daily_count_cap, daily_amount_cap, monthly_amount_cap, allow_plain_salt,
  reverse_commission_on_refund, status, kyc_status, theme_color, logo_sha256
) on public.clients to studio;

grant select (
  id, client_id, name, provider, api_key, settings, monthly_limit, priority, weight, is_active, methods, currencies,
  min_amount, max_amount, egress_group, split_account, split_enabled, webhook_networks, created_at, updated_at, has_webhook_secret, new_api_secret,
  new_webhook_secret
), insert (
  id, client_id, name, provider, api_key, settings, monthly_limit, priority, weight, is_active, methods, currencies,
  min_amount, max_amount, egress_group, split_account, split_enabled, webhook_networks, new_api_secret, new_webhook_secret
), update (
  name, api_key, settings, monthly_limit, priority, weight, is_active, methods, currencies, min_amount, max_amount,
  egress_group, split_account, split_enabled, webhook_networks, new_api_secret, new_webhook_secret
) on public.payment_gateways to studio;

grant select on public.payment_hours, public.commission_hours, public.webhook_hours to studio;

-- Not what the router believes of methods: rates and counts say it to people.
grant select (
  gateway_id, client_id, volume_month, volume, window_started_at, window_count, last_used_at, success_rate, outcomes,
  method_rates, cooldown_until, cooldowns_in_row, last_response_code, probe_stage, probe_passes, probe_sent_at
) on public.gateway_states to studio;

grant select on public.gateway_log, public.transactions, public.webhook_events,
  public.webhook_deliveries, public.alerts, public.audit_log, public.refunds, public.disputes,
  public.payment_links, public.payment_link_payments, public.utr_claims, public.upi_receipts, public.bank_statements,
  public.bank_statement_lines, public.whatsapp_notifications, public.whatsapp_templates, public.studio_events to studio;

-- Not the hashes that chain them: scripts/verify-ledger.ts reads those.
grant select (client_id, balance_due, entry_count, warn_threshold, wa_last_sent, updated_at) on public.wallets to studio;
grant select (
  id, client_id, entry_no, type, amount, transaction_id, refund_id, dispute_id, balance_after, description, created_at
) on public.wallet_entries to studio;

-- Not presentation: the addresses in it carry the token with which the payer gets in.
grant select (
  id, transaction_id, client_id, gateway_id, attempt_no, amount, status, psp_order_id, psp_payment_id, method,
  bank_reference, psp_fee, error_code, error_message, response_code, latency_ms, routing, started_at, next_lookup_at,
  lookups, released_at, settled_at, created_at, updated_at, move_requested_at, closed_at, payable_amount
) on public.payment_attempts to studio;

-- Not raw_body and headers: a PSP's webhook may carry a static password in its Authorization header.
grant select (
  id, client_id, gateway_id, provider, dedupe_key, event_type, verified, error, processed_at, received_at
) on public.gateway_events to studio;

-- Refunds, claims, statements and alerts change through functions only (create_refund_for_operator, decide_utr_claim, …).
grant insert (
  id, client_id, amount, currency, description, reference, usage, expires_at, redirect_url
), update (
  description, expires_at, redirect_url, is_disabled
) on public.payment_links to studio;
grant update (warn_threshold) on public.wallets to studio;
-- What a template is called at the provider is each deployment's own.
grant update (body, meta_name, gupshup_id, is_active) on public.whatsapp_templates to studio;

-- Kept by the studio's own start and triggers; Directus does not show them (DB_EXCLUDE_TABLES), but for the last.
grant select on public.studio_rights, public.studio_token_floors to studio;
grant select, update (last_used_at) on public.studio_session_uses to studio;
grant select, insert, update, delete on public.studio_configuration to studio;
grant select on public.studio_drift to studio;
