import type { Relation } from "./fields.ts";

/**
 * What belongs to what, for Directus. Most of these keys are composite in the database (a payment only goes through its own
 * merchant's gateway), which Directus cannot read, hence written down here. Never edit relations through Directus' API: it
 * drops and recreates the key.
 */
export const relations: Relation[] = [
	{ collection: "payment_gateways", field: "client_id", to: "clients", reverse: "gateways" },
	{ collection: "gateway_states", field: "gateway_id", to: "payment_gateways", reverse: "state" },
	{ collection: "gateway_log", field: "gateway_id", to: "payment_gateways" },
	{ collection: "gateway_log", field: "client_id", to: "clients" },
	{ collection: "transactions", field: "client_id", to: "clients" },
	{ collection: "transactions", field: "gateway_id", to: "payment_gateways" },
	{ collection: "payment_attempts", field: "transaction_id", to: "transactions", reverse: "attempts" },
	{ collection: "payment_attempts", field: "client_id", to: "clients" },
	{ collection: "payment_attempts", field: "gateway_id", to: "payment_gateways" },
	{ collection: "refunds", field: "client_id", to: "clients" },
	{ collection: "refunds", field: "transaction_id", to: "transactions" },
	{ collection: "refunds", field: "attempt_id", to: "payment_attempts" },
	{ collection: "refunds", field: "gateway_id", to: "payment_gateways" },
	{ collection: "payment_links", field: "client_id", to: "clients" },
	{ collection: "payment_link_payments", field: "payment_link_id", to: "payment_links" },
	{ collection: "payment_link_payments", field: "transaction_id", to: "transactions" },
	{ collection: "gateway_events", field: "client_id", to: "clients" },
	{ collection: "gateway_events", field: "gateway_id", to: "payment_gateways" },
	{ collection: "webhook_events", field: "client_id", to: "clients" },
	{ collection: "webhook_events", field: "transaction_id", to: "transactions", reverse: "webhook_events" },
	{ collection: "webhook_events", field: "refund_id", to: "refunds" },
	{ collection: "webhook_deliveries", field: "event_id", to: "webhook_events", reverse: "deliveries" },
	{ collection: "wallets", field: "client_id", to: "clients", reverse: "wallet" },
	{ collection: "wallet_entries", field: "client_id", to: "wallets" },
	{ collection: "wallet_entries", field: "transaction_id", to: "transactions", reverse: "wallet_entries" },
	{ collection: "wallet_entries", field: "refund_id", to: "refunds" },
	{ collection: "utr_claims", field: "client_id", to: "clients" },
	{ collection: "utr_claims", field: "gateway_id", to: "payment_gateways" },
	{ collection: "utr_claims", field: "transaction_id", to: "transactions", reverse: "utr_claims" },
	{ collection: "utr_claims", field: "attempt_id", to: "payment_attempts" },
	{ collection: "whatsapp_notifications", field: "client_id", to: "clients" },
	{ collection: "whatsapp_notifications", field: "resend_of", to: "whatsapp_notifications" },
	{ collection: "bank_statements", field: "client_id", to: "clients" },
	{ collection: "bank_statements", field: "gateway_id", to: "payment_gateways" },
	{ collection: "bank_statement_lines", field: "statement_id", to: "bank_statements" },
	{ collection: "bank_statement_lines", field: "client_id", to: "clients" },
	{ collection: "bank_statement_lines", field: "gateway_id", to: "payment_gateways" },
	{ collection: "bank_statement_lines", field: "attempt_id", to: "payment_attempts" },
	{ collection: "alerts", field: "client_id", to: "clients" },
];
