/**
 * Every list asks how many rows there are (`aggregate[countDistinct]=<key>`), which takes seconds where there are millions.
 * In tables that grow without end the count stops at MOST: a list of more shows that many pages. Whoever needs the exact
 * number asks for `aggregate[count]=*`.
 */
import { defineHook } from "@directus/extensions-sdk";

export const MOST = 5_000;

const ENDLESS = [
	"transactions",
	"payment_attempts",
	"refunds",
	"disputes",
	"gateway_events",
	"gateway_log",
	"webhook_events",
	"webhook_deliveries",
	"wallet_entries",
	"audit_log",
];
/** Of all tables named above. */
const KEY = "id";

interface Query {
	aggregate?: Record<string, string[] | undefined>;
	group?: unknown;
	fields?: string[];
	limit?: number;
}

const isCountOfRows = ({ aggregate, group }: Query): boolean =>
	group === undefined &&
	Object.keys(aggregate ?? {}).join() === "countDistinct" &&
	aggregate?.countDistinct?.join() === KEY;

export default defineHook(({ filter }) => {
	/** Queries that were made smaller; the service hands the same object to both filters. */
	const bounded = new WeakSet<object>();

	filter<Query>("items.query", (query, { collection }) => {
		if (!ENDLESS.includes(collection as string) || !isCountOfRows(query)) return query;
		const { aggregate: _, ...rest } = query;
		const few = { ...rest, fields: [KEY], limit: MOST };
		bounded.add(few);
		return few;
	});

	filter<object[]>("items.read", (rows, { query }) =>
		bounded.has(query as object) ? [{ countDistinct: { [KEY]: rows.length } }] : rows,
	);
});
