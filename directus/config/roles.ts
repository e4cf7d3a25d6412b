import { collections } from "./collections.ts";
import { type Dashboard, dashboards } from "./dashboards.ts";
import { personFields } from "./people.ts";
import { POLICIES } from "./policies.ts";

export const ROLE_NAMES = ["administrator", "operator", "finance", "support", "auditor"] as const;
export type RoleName = (typeof ROLE_NAMES)[number];

export interface Role {
	name: string;
	icon: string;
	description: string;
	/** Fixed, so that the same role is the same row everywhere. */
	id: string;
	policy: string;
	access: string;
	/** Deals in money, people or secrets: its people need a second factor, unless the deployment does without (STUDIO_REQUIRE_TFA). */
	secondFactor: boolean;
	permissions: Permission[] | "all";
}

export interface Permission {
	collection: string;
	action: "create" | "read" | "update" | "delete";
	fields: string[];
	/** Which rows; absent = all. */
	rows?: object;
}

/** Columns that a person may see at all, with the form's sections. Secrets' columns are not even granted in the database. */
function readable(collection: string, options: { except?: string[]; only?: string[] } = {}): Permission {
	const described = collections.find((candidate) => candidate.collection === collection)?.fields ?? [];
	// What only a condition shows is not kept from anybody.
	const visible = described.filter(({ hidden, conditions }) => !hidden || conditions).map(({ field }) => field);
	const sections = visible.filter((field) => field.startsWith("section_"));
	const fields =
		options.only === undefined
			? visible.filter((field) => !(options.except ?? []).includes(field))
			: [...sections, ...options.only];
	return { collection, action: "read", fields };
}

/** With the form's sections: the app takes a section that may not be written, and all in it, for read-only. */
function writable(collection: string, action: "create" | "update", fields: string[]): Permission {
	const described = collections.find((candidate) => candidate.collection === collection)?.fields ?? [];
	const sections = described.map(({ field }) => field).filter((field) => field.startsWith("section_"));
	return { collection, action, fields: [...fields, ...sections] };
}

/** The dashboards whose numbers a role may read, with their panels. */
function seesDashboards(...seen: Dashboard[]): Permission[] {
	const ids = seen.map(({ id }) => id);
	return [
		{ collection: "directus_dashboards", action: "read", rows: { id: { _in: ids } }, fields: ["*"] },
		{ collection: "directus_panels", action: "read", rows: { dashboard: { _in: ids } }, fields: ["*"] },
	];
}

const EDITABLE_CLIENT = [
	"company_name",
	"legal_name",
	"gstin",
	"email",
	"phone",
	"address",
	"state_code",
	"webhook_url",
	"redirect_urls",
	"fee_percent",
	"suspend_threshold",
	"rate_limit_per_minute",
	"rate_plan",
	"burst_per_second",
	"rotation_mode",
	"max_rpm_per_gateway",
	"cooldown_seconds",
	"payment_expiry_seconds",
	"max_transaction_amount",
	"daily_count_cap",
	"daily_amount_cap",
	"monthly_amount_cap",
	"allow_plain_salt",
	"reverse_commission_on_refund",
	"status",
	"kyc_status",
	"theme_color",
];

const EDITABLE_GATEWAY = [
	"name",
	"api_key",
	"settings",
	"monthly_limit",
	"priority",
	"weight",
	"is_active",
	"methods",
	"currencies",
	"min_amount",
	"max_amount",
	"egress_group",
	"split_account",
	"split_enabled",
	"webhook_networks",
	"new_api_secret",
	"new_webhook_secret",
];

/** Currency and code of a link are made by the database. */
const NEW_PAYMENT_LINK = ["client_id", "amount", "description", "reference", "usage", "expires_at", "redirect_url"];

const SECRET_INPUTS = ["new_api_secret", "new_webhook_secret"];

/** On their own page, beside what Directus shows everybody of themselves. */
const OWN_SESSIONS: Permission = {
	collection: "directus_users",
	action: "read",
	rows: { id: { _eq: "$CURRENT_USER" } },
	fields: personFields.map(({ field }) => field),
};

/** Everybody keeps their own profile and second factor; the address one logs in with is an administrator's business. */
const OWN_PROFILE: Permission = {
	collection: "directus_users",
	action: "update",
	rows: { id: { _eq: "$CURRENT_USER" } },
	fields: [
		"first_name",
		"last_name",
		"password",
		"location",
		"title",
		"avatar",
		"language",
		"appearance",
		"theme_light",
		"theme_dark",
		"text_direction",
		"email_notifications",
		"last_page",
		"tfa_secret",
	],
};

export const roles: Record<RoleName, Role> = {
	administrator: {
		name: "Administrator",
		icon: "verified_user",
		description: "Everything, people and roles included.",
		id: "a0000000-0000-4000-8000-000000000001",
		policy: POLICIES.administrator,
		access: "c0000000-0000-4000-8000-000000000001",
		secondFactor: true,
		permissions: "all",
	},
	operator: {
		name: "Operator",
		icon: "support_agent",
		description: "Onboards clients, edits gateways, handles alerts.",
		id: "a0000000-0000-4000-8000-000000000002",
		policy: POLICIES.operator,
		access: "c0000000-0000-4000-8000-000000000002",
		secondFactor: true,
		permissions: [
			readable("clients"),
			// What the studio makes for a new client (its hook) counts as part of the request.
			writable("clients", "create", [...EDITABLE_CLIENT, "id", "client_key", "new_client_salt", "new_webhook_secret"]),
			writable("clients", "update", [...EDITABLE_CLIENT, "logo_sha256"]),
			readable("payment_gateways"),
			writable("payment_gateways", "create", [...EDITABLE_GATEWAY, "id", "client_id", "provider"]),
			writable("payment_gateways", "update", EDITABLE_GATEWAY),
			readable("gateway_states"),
			readable("gateway_log"),
			readable("transactions"),
			readable("payment_attempts"),
			readable("refunds"),
			readable("disputes"),
			readable("payment_links"),
			readable("payment_link_payments"),
			writable("payment_links", "create", NEW_PAYMENT_LINK),
			writable("payment_links", "update", ["description", "expires_at", "redirect_url", "is_disabled"]),
			readable("utr_claims"),
			readable("bank_statements"),
			readable("bank_statement_lines"),
			readable("gateway_events"),
			readable("webhook_events"),
			readable("webhook_deliveries"),
			readable("wallets"),
			writable("wallets", "update", ["warn_threshold"]),
			readable("wallet_entries"),
			readable("alerts"),
			readable("whatsapp_notifications"),
			readable("whatsapp_templates"),
			writable("whatsapp_templates", "update", ["body", "meta_name", "gupshup_id", "is_active"]),
			readable("payment_hours"),
			readable("commission_hours"),
			readable("webhook_hours"),
			...seesDashboards(...Object.values(dashboards)),
			OWN_SESSIONS,
			OWN_PROFILE,
		],
	},
	finance: {
		name: "Finance",
		icon: "account_balance",
		description: "Reads money: payments, fees, wallets. Gives refunds.",
		id: "a0000000-0000-4000-8000-000000000003",
		policy: POLICIES.finance,
		access: "c0000000-0000-4000-8000-000000000003",
		secondFactor: true,
		permissions: [
			readable("clients", {
				only: [
					"id",
					"company_name",
					"status",
					"legal_name",
					"gstin",
					"email",
					"phone",
					"address",
					"state_code",
					"fee_percent",
					"suspend_threshold",
					"reverse_commission_on_refund",
					"wallet",
					"created_at",
				],
			}),
			readable("payment_gateways", { only: ["id", "name", "provider", "client_id", "is_active", "monthly_limit"] }),
			readable("transactions", { except: ["customer", "customer_id", "metadata", "gateway_response"] }),
			readable("payment_attempts", { except: ["routing"] }),
			readable("refunds", { except: ["psp_response"] }),
			readable("disputes", { except: ["psp_response"] }),
			readable("payment_links"),
			readable("payment_link_payments"),
			readable("utr_claims"),
			readable("bank_statements"),
			readable("bank_statement_lines"),
			readable("wallets"),
			readable("wallet_entries"),
			readable("whatsapp_notifications"),
			readable("whatsapp_templates"),
			readable("payment_hours"),
			readable("commission_hours"),
			...seesDashboards(dashboards.payments, dashboards.money),
			OWN_SESSIONS,
			OWN_PROFILE,
		],
	},
	support: {
		name: "Support",
		icon: "headset_mic",
		description: "Reads payments to answer questions; no secrets, no fees.",
		id: "a0000000-0000-4000-8000-000000000004",
		policy: POLICIES.support,
		access: "c0000000-0000-4000-8000-000000000004",
		secondFactor: false,
		permissions: [
			readable("clients", {
				only: [
					"id",
					"integration",
					"company_name",
					"status",
					"kyc_status",
					"email",
					"phone",
					"client_key",
					"previous_client_key",
					"previous_credentials_until",
					"webhook_url",
					"redirect_urls",
					"created_at",
				],
			}),
			readable("payment_gateways", { only: ["id", "name", "provider", "client_id", "is_active", "state"] }),
			readable("gateway_states", { except: ["volume", "volume_month"] }),
			readable("gateway_log"),
			// The provider's raw answer carries its fee.
			readable("transactions", { except: ["fee_percent", "wallet_entries", "gateway_response"] }),
			readable("payment_attempts", { except: ["psp_fee"] }),
			readable("refunds", { except: ["psp_response"] }),
			readable("disputes", { except: ["psp_response"] }),
			readable("payment_links"),
			readable("payment_link_payments"),
			readable("utr_claims"),
			readable("gateway_events"),
			readable("webhook_events"),
			readable("webhook_deliveries"),
			readable("alerts"),
			readable("whatsapp_notifications"),
			readable("whatsapp_templates"),
			readable("payment_hours"),
			readable("webhook_hours"),
			...seesDashboards(dashboards.payments, dashboards.gateways, dashboards.notices),
			OWN_SESSIONS,
			OWN_PROFILE,
		],
	},
	auditor: {
		name: "Auditor",
		icon: "policy",
		description: "Reads everything, the audit log included; changes nothing.",
		id: "a0000000-0000-4000-8000-000000000005",
		policy: POLICIES.auditor,
		access: "c0000000-0000-4000-8000-000000000005",
		secondFactor: false,
		permissions: [
			...collections.map(({ collection }) => readable(collection, { except: SECRET_INPUTS })),
			...["directus_activity", "directus_revisions", "directus_roles", "directus_policies", "directus_permissions"].map(
				(collection): Permission => ({ collection, action: "read", fields: ["*"] }),
			),
			{ collection: "directus_access", action: "read", fields: ["*"] },
			{
				collection: "directus_users",
				action: "read",
				fields: ["id", "first_name", "last_name", "email", "status", "role", "last_access", "provider", "sessions"],
			},
			...seesDashboards(...Object.values(dashboards)),
			OWN_PROFILE,
		],
	},
};
