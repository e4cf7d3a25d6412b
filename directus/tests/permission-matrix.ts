/**
 * Who may do what in the studio, as a table to be read: the test beside it walks every line with every role, and fails on a
 * collection, a field kept back or a route that has no line here. Administrators may do all that the database lets the studio do.
 */
import type { RoleName } from "../config/roles.ts";

export type Reader = Exclude<RoleName, "administrator">;

/** R read, C create, U update. Nobody deletes. */
type Actions = "" | "R" | "RC" | "RU" | "RCU";

export const COLLECTIONS: Record<string, Record<Reader, Actions>> = {
	// Payments
	transactions: { operator: "R", finance: "R", support: "R", auditor: "R" },
	payment_attempts: { operator: "R", finance: "R", support: "R", auditor: "R" },
	refunds: { operator: "R", finance: "R", support: "R", auditor: "R" },
	disputes: { operator: "R", finance: "R", support: "R", auditor: "R" },
	payment_links: { operator: "RCU", finance: "R", support: "R", auditor: "R" },
	payment_link_payments: { operator: "R", finance: "R", support: "R", auditor: "R" },
	gateway_events: { operator: "R", finance: "", support: "R", auditor: "R" },
	webhook_events: { operator: "R", finance: "", support: "R", auditor: "R" },
	webhook_deliveries: { operator: "R", finance: "", support: "R", auditor: "R" },
	// Direct UPI
	utr_claims: { operator: "R", finance: "R", support: "R", auditor: "R" },
	bank_statements: { operator: "R", finance: "R", support: "", auditor: "R" },
	bank_statement_lines: { operator: "R", finance: "R", support: "", auditor: "R" },
	// Merchants
	clients: { operator: "RCU", finance: "R", support: "R", auditor: "R" },
	payment_gateways: { operator: "RCU", finance: "R", support: "R", auditor: "R" },
	gateway_states: { operator: "R", finance: "", support: "R", auditor: "R" },
	gateway_log: { operator: "R", finance: "", support: "R", auditor: "R" },
	// Commission
	wallets: { operator: "RU", finance: "R", support: "", auditor: "R" },
	wallet_entries: { operator: "R", finance: "R", support: "", auditor: "R" },
	// Notices
	whatsapp_notifications: { operator: "R", finance: "R", support: "R", auditor: "R" },
	whatsapp_templates: { operator: "RU", finance: "R", support: "R", auditor: "R" },
	// Oversight
	alerts: { operator: "R", finance: "", support: "R", auditor: "R" },
	audit_log: { operator: "", finance: "", support: "", auditor: "R" },
	studio_drift: { operator: "", finance: "", support: "", auditor: "R" },
	studio_events: { operator: "", finance: "", support: "", auditor: "R" },
	// What dashboards add up
	payment_hours: { operator: "R", finance: "R", support: "R", auditor: "R" },
	commission_hours: { operator: "R", finance: "R", support: "", auditor: "R" },
	webhook_hours: { operator: "R", finance: "", support: "R", auditor: "R" },
};

/** Fields that not everybody reads who reads the collection: who does. */
export const KEPT_BACK: Record<string, Record<string, readonly Reader[]>> = {
	transactions: {
		// The provider's raw answer carries its fee.
		gateway_response: ["operator", "auditor"],
		fee_percent: ["operator", "finance", "auditor"],
		wallet_entries: ["operator", "finance", "auditor"],
		customer: ["operator", "support", "auditor"],
		customer_id: ["operator", "support", "auditor"],
		metadata: ["operator", "support", "auditor"],
	},
	payment_attempts: {
		psp_fee: ["operator", "finance", "auditor"],
		routing: ["operator", "support", "auditor"],
	},
	refunds: { psp_response: ["operator", "auditor"] },
	disputes: { psp_response: ["operator", "auditor"] },
	// A helper of an index.
	webhook_events: { is_failed: [] },
	clients: {
		// At rest these are null: what the studio writes into them moves to columns without any right.
		new_client_salt: [],
		new_webhook_secret: [],
		client_key: ["operator", "support", "auditor"],
		previous_client_key: ["operator", "support", "auditor"],
		previous_credentials_until: ["operator", "support", "auditor"],
		previous_webhook_secret_until: ["operator", "auditor"],
		integration: ["operator", "support", "auditor"],
		webhook_url: ["operator", "support", "auditor"],
		redirect_urls: ["operator", "support", "auditor"],
		kyc_status: ["operator", "support", "auditor"],
		legal_name: ["operator", "finance", "auditor"],
		gstin: ["operator", "finance", "auditor"],
		state_code: ["operator", "finance", "auditor"],
		address: ["operator", "finance", "auditor"],
		fee_percent: ["operator", "finance", "auditor"],
		suspend_threshold: ["operator", "finance", "auditor"],
		reverse_commission_on_refund: ["operator", "finance", "auditor"],
		wallet: ["operator", "finance", "auditor"],
		rotation_mode: ["operator", "auditor"],
		max_rpm_per_gateway: ["operator", "auditor"],
		cooldown_seconds: ["operator", "auditor"],
		payment_expiry_seconds: ["operator", "auditor"],
		rate_limit_per_minute: ["operator", "auditor"],
		rate_plan: ["operator", "auditor"],
		burst_per_second: ["operator", "auditor"],
		max_transaction_amount: ["operator", "auditor"],
		daily_count_cap: ["operator", "auditor"],
		daily_amount_cap: ["operator", "auditor"],
		monthly_amount_cap: ["operator", "auditor"],
		allow_plain_salt: ["operator", "auditor"],
		theme_color: ["operator", "auditor"],
		logo_sha256: ["operator", "auditor"],
		gateways: ["operator", "auditor"],
		what_if: ["operator", "auditor"],
		updated_at: ["operator", "auditor"],
	},
	payment_gateways: {
		api_key: ["operator", "auditor"],
		settings: ["operator", "auditor"],
		has_webhook_secret: ["operator", "auditor"],
		webhook_networks: ["operator", "auditor"],
		// As with clients.
		new_api_secret: ["operator"],
		new_webhook_secret: ["operator"],
		account_guide: ["operator", "auditor"],
		statement_import: ["operator", "auditor"],
		state: ["operator", "support", "auditor"],
		priority: ["operator", "auditor"],
		weight: ["operator", "auditor"],
		monthly_limit: ["operator", "finance", "auditor"],
		egress_group: ["operator", "auditor"],
		split_enabled: ["operator", "auditor"],
		split_account: ["operator", "auditor"],
		min_amount: ["operator", "auditor"],
		max_amount: ["operator", "auditor"],
		methods: ["operator", "auditor"],
		currencies: ["operator", "auditor"],
		created_at: ["operator", "auditor"],
		updated_at: ["operator", "auditor"],
	},
	gateway_states: {
		volume: ["operator", "auditor"],
		volume_month: ["operator", "auditor"],
	},
};

/** What an update may change; everything else is another's business, or nobody's. */
export const CHANGEABLE: Record<string, Partial<Record<Reader, readonly string[]>>> = {
	payment_links: { operator: ["description", "expires_at", "redirect_url", "is_disabled"] },
	wallets: { operator: ["warn_threshold"] },
	whatsapp_templates: { operator: ["body", "meta_name", "gupshup_id", "is_active"] },
	// They change through their functions only.
	alerts: {},
};

/** Not even an administrator: the database gives the studio no right on these columns, or Directus conceals them. */
export const NOBODY_READS: readonly string[] = [
	"clients.client_salt",
	"clients.previous_client_salt",
	"clients.webhook_secret",
	"clients.previous_webhook_secret",
	"payment_gateways.api_secret",
	"payment_gateways.webhook_secret",
	"gateway_states.beliefs",
	"gateway_states.believed_at",
	"gateway_states.belief_half_life",
	"payment_attempts.presentation",
	"gateway_events.headers",
	"gateway_events.raw_body",
];

/** Tables that Directus does not know at all. */
export const UNKNOWN_TABLES: readonly string[] = [
	"studio_rights",
	"studio_session_uses",
	"studio_token_floors",
	"studio_configuration",
	"client_usage",
	"retired_client_keys",
	"upi_receipts",
	"webhook_endpoints",
];

/** Directus' own tables, as it grants them to whoever may use the app: names of fields, and what is a person's own. */
export const SYSTEM_OF_EVERYBODY: Record<string, string> = {
	directus_collections: "read",
	directus_fields: "read",
	directus_relations: "read",
	directus_settings: "read",
	directus_translations: "read",
	directus_activity: "read some",
	directus_comments: "read some, create, update some, delete some",
	// Each role its own ones.
	directus_dashboards: "read some",
	directus_notifications: "read some, update some",
	directus_panels: "read some",
	directus_presets: "read some, create, update some, delete some",
	directus_roles: "read some",
	directus_shares: "read some",
	// Oneself: profile, password, second factor.
	directus_users: "read some, update some",
};

/** What a role has beyond that. */
export const SYSTEM: Record<Reader, Record<string, string>> = {
	operator: {},
	finance: {},
	support: {},
	auditor: {
		directus_access: "read",
		directus_permissions: "read",
		directus_policies: "read",
		directus_revisions: "read",
	},
};

const everybody: readonly Reader[] = ["operator", "finance", "support", "auditor"];

/**
 * Below /lightspeedpay. Who gets past the door; where everybody does, the answer is made with the person's own rights on rows.
 */
export const ROUTES: Record<string, readonly Reader[]> = {
	// Home
	"get /areas": everybody,
	"get /home": everybody,
	// Alerts
	"get /alerts": ["operator", "support", "auditor"],
	"get /alerts/blocks": ["operator", "support", "auditor"],
	"get /alerts/limits": ["operator", "support", "auditor"],
	"patch /alerts/limits/plan": ["operator"],
	"post /alerts/limits/plan/remove": ["operator"],
	"patch /alerts/limits/addresses": ["operator"],
	"get /alerts/:id": ["operator", "support", "auditor"],
	"post /alerts/test": ["operator"],
	"post /alerts/blocks/:id/lift": ["operator"],
	"post /alerts/:id/acknowledge": ["operator"],
	"post /alerts/:id/resolve": ["operator"],
	"post /alerts/:id/silence": ["operator"],
	"post /alerts/:id/end-silence": ["operator"],
	// The audit trail
	"get /audit": ["auditor"],
	"get /audit/facets": ["auditor"],
	"get /audit/:id": ["auditor"],
	"post /audit/export": ["auditor"],
	// A merchant's credentials
	"get /clients/:id": everybody,
	"post /clients/:id/reveal": ["operator"],
	"post /clients/:id/regenerate-key": ["operator"],
	"post /clients/:id/end-overlap": ["operator"],
	// Integration
	"get /integration/clients": ["operator", "support", "auditor"],
	"get /clients/:id/webhooks": ["operator", "support", "auditor"],
	"get /clients/:id/webhook-log": ["operator", "support", "auditor"],
	"get /webhook-events/:id": ["operator", "support", "auditor"],
	"post /webhook-events/:id/replay": ["operator", "support"],
	"get /webhook-endpoints/:id/replay-count": ["operator"],
	"post /webhook-endpoints/:id/replays": ["operator"],
	"post /webhook-replays/:id/stop": ["operator"],
	"post /webhook-endpoints/:id/test": ["operator"],
	"get /clients/:id/webhook-test": ["operator"],
	"post /clients/:id/webhook-endpoints": ["operator"],
	"patch /webhook-endpoints/:id": ["operator"],
	"post /webhook-endpoints/:id/disable": ["operator"],
	"post /webhook-endpoints/:id/enable": ["operator"],
	"post /webhook-endpoints/:id/remove": ["operator"],
	"post /webhook-endpoints/:id/rotate-secret": ["operator"],
	"post /webhook-endpoints/:id/reveal": ["operator"],
	// Gateways
	"get /gateways/:id": everybody,
	"get /clients/:id/routing": ["operator", "auditor"],
	"get /gateway-desk": ["operator", "support", "auditor"],
	"get /gateway-desk/figures": ["operator", "support", "auditor"],
	"get /gateway-desk/log": ["operator", "support", "auditor"],
	"post /gateways/:id/clear-cooldown": ["operator"],
	// How payments rotate, and the payment page
	"get /clients/:id/checkout-preview": everybody,
	"post /clients/:id/logos": ["operator"],
	// Money
	"get /transactions/:id/refunds": everybody,
	"post /refunds": ["operator", "finance"],
	"post /refunds/:id/resolve": ["operator", "finance"],
	"get /payment-links/:id": everybody,
	// Commission
	"get /commission": ["operator", "finance", "auditor"],
	"get /commission-page": ["operator", "finance", "auditor"],
	"get /commission-rights": ["operator", "finance", "auditor"],
	"get /commission/:id": ["operator", "finance", "auditor"],
	"get /commission/:id/collection": ["operator", "finance", "auditor"],
	"patch /commission/:id/collection": ["finance"],
	"get /commission/:id/payouts": ["operator", "finance", "auditor"],
	"post /commission/:id/payouts": ["finance"],
	"post /commission/payouts/:id/resolve": ["finance"],
	"get /commission/:id/entries": ["operator", "finance", "auditor"],
	"get /commission/:id/entries-csv": ["operator", "finance", "auditor"],
	"get /commission/:id/months": ["operator", "finance", "auditor"],
	"get /commission/:id/invoices": ["operator", "finance", "auditor"],
	"get /commission/:id/invoice-lines-csv": ["operator", "finance", "auditor"],
	"get /invoices/:id/pdf": ["operator", "finance", "auditor"],
	"post /commission/:id/settlements": ["finance"],
	"post /commission/:id/adjustments": ["finance"],
	"post /adjustments/:id/decision": ["finance"],
	"post /commission/:id/suspension": ["operator", "finance"],
	"get /company-profile": ["operator", "finance", "auditor"],
	"patch /company-profile": [],
	// Settlements
	"get /reconciliation": ["operator", "finance", "auditor"],
	"get /reconciliation-page": ["operator", "finance", "auditor"],
	"get /reconciliation-csv": ["operator", "finance", "auditor"],
	"get /reconciliation-rights": ["operator", "finance", "auditor"],
	"get /reconciliation/:id": ["operator", "finance", "auditor"],
	"get /settlements": ["operator", "finance", "auditor"],
	"get /settlements-page": ["operator", "finance", "auditor"],
	"get /settlements/:id": ["operator", "finance", "auditor"],
	"get /settlements/:id/lines": ["operator", "finance", "auditor"],
	"get /settlements/:id/lines-csv": ["operator", "finance", "auditor"],
	"get /settlement-gateways/:id": ["operator", "finance", "auditor"],
	"post /reconciliation/:id/change": ["finance"],
	"post /reconciliation/:id/resolve": ["finance"],
	"post /settlement-gateways/:id/pull": ["finance"],
	"post /settlement-gateways/:id/terms": ["finance"],
	"post /settlement-gateways/:id/report": ["finance"],
	// Direct UPI
	"get /utr-claims/:id": everybody,
	"post /utr-claims/:id/decide": ["operator"],
	"get /statement-lines/:id": everybody,
	"post /statement-lines/:id/resolve": ["operator"],
	"post /gateways/:id/statements": ["operator"],
	// Notices
	"get /notices/state": ["operator", "support", "auditor"],
	"get /notices/usage": ["operator", "support", "auditor"],
	"get /notices/messages": ["operator", "support", "auditor"],
	"get /notices/messages/:id": ["operator", "support", "auditor"],
	"post /notices/messages/:id/resend": ["operator"],
	"get /notices/merchants/:id": ["operator", "support", "auditor"],
	"patch /notices/merchants/:id": ["operator"],
	// Queues
	"get /queues": ["operator", "auditor"],
	"get /queues/history": ["operator", "auditor"],
	"get /queues/:queue/jobs": ["operator", "auditor"],
	"post /queues/:queue/pause": ["operator"],
	"post /queues/:queue/resume": ["operator"],
	"post /queues/:queue/drain": ["operator"],
	"post /queues/:queue/retry": ["operator"],
	"post /queues/:queue/redrive": ["operator"],
	// People: one's own sessions; anybody's for administrators
	"get /sessions": everybody,
	"post /sessions/:id/end": everybody,
	"post /sessions/end": everybody,
};

/** For our own processes, which prove that they hold the keys: no person gets in. */
export const ROUTES_OF_PROGRAMS: readonly string[] = ["post /studio-events/:id"];
