/** As the endpoint answers. */
export interface Entry {
	id: string;
	actor: string;
	/** A person's or a flow's name; else as `actor`. */
	actor_name: string;
	database_role: string;
	address: string | null;
	action: string;
	table_name: string;
	row_id: string;
	before: Record<string, unknown> | null;
	after: Record<string, unknown> | null;
	created_at: string;
}

export interface Change {
	field: string;
	before: unknown;
	after: unknown;
}

/** Field by field; an entry that tells of no row's change has its particulars in `after`. */
export function changesOf({ before, after }: Pick<Entry, "before" | "after">): Change[] {
	const fields = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
	return fields
		.map((field) => ({ field, before: before?.[field], after: after?.[field] }))
		.filter((change) => !isNothing(change.before) || !isNothing(change.after));
}

export const isNothing = (value: unknown): boolean => value === null || value === undefined || value === "";

/** Page of the studio for the row, whether or not the row is still there. */
export function pageOf({ table_name, row_id }: Pick<Entry, "table_name" | "row_id">): string | null {
	const id = encodeURIComponent(row_id);
	switch (table_name) {
		case "alerts":
			return `/alerts/${id}`;
		case "queues":
			return `/queues/${id}`;
		case "whatsapp_notifications":
			return `/notices/${id}`;
		case "directus_users":
			return `/users/${id}`;
		case "directus_roles":
			return `/settings/roles/${id}`;
		case "directus_policies":
			return `/settings/policies/${id}`;
		default:
			return COLLECTIONS.includes(table_name) ? `/content/${table_name}/${id}` : null;
	}
}

const COLLECTIONS = [
	"clients",
	"payment_gateways",
	"gateway_states",
	"transactions",
	"payment_attempts",
	"refunds",
	"payment_links",
	"utr_claims",
	"bank_statements",
	"bank_statement_lines",
	"webhook_events",
	"wallets",
	"whatsapp_templates",
];
