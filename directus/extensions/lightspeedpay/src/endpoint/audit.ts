/** The audit trail: searched, one entry, and as a file. */
import { RouteNotFoundError } from "@directus/errors";
import { areaOf } from "../areas.ts";
import { callDatabase, isUuid, type Router, readBody, readId, refuse, type Studio } from "./context.ts";
import { toCsv } from "./csv.ts";
import { namesOf } from "./names.ts";
import { addRoute } from "./routes.ts";

const SEES = areaOf("audit").policies;

const PAGE = 50;
const MOST_EXPORTED = 10_000;
const EXPORT_PAGE = 1_000;
/** Each looks through a bounded number of entries; see search_audit. */
const MOST_EXPORT_PAGES = 50;

interface Entry {
	id: string;
	actor: string;
	actor_name: string;
	database_role: string;
	address: string | null;
	action: string;
	table_name: string;
	row_id: string;
	before: unknown;
	after: unknown;
	created_at: string;
}

interface Filter {
	actor: string | null;
	action: string | null;
	table: string | null;
	row: string | null;
	from: string | null;
	until: string | null;
}

export function addAuditRoutes(router: Router, studio: Studio): void {
	addRoute(router, studio, {
		method: "get",
		path: "/audit",
		who: SEES,
		async answer({ query }) {
			const { before } = query;
			if (before !== undefined && !isUuid(before)) refuse(`"before" must be what "next" of the page before says`);
			return await search(studio, readFilter(query), before ?? null, PAGE);
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/audit/facets",
		who: SEES,
		async answer() {
			const [row] = await callDatabase(studio, "select public.list_audit_facets() as facets", []);
			const facets = row!.facets as { actors: string[]; actions: string[]; tables: string[] };
			const nameOf = await namesOf(studio, facets.actors);
			const actors = facets.actors.map((id) => ({ id, name: nameOf(id) }));
			return { ...facets, actors: actors.sort((a, b) => a.name.localeCompare(b.name)) };
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/audit/:id",
		who: SEES,
		async answer(req) {
			const id = readId(req, "audit");
			const [row] = await callDatabase(
				studio,
				"select public.audit_view(e) as entry from public.audit_log e where e.id = ?::uuid",
				[id],
			);
			if (row === undefined) throw new RouteNotFoundError({ path: `/lightspeedpay/audit/${id}` });
			const [entry] = await nameThem(studio, [row.entry as Entry]);
			return entry;
		},
	});

	// Who took a copy is itself worth knowing, so this writes.
	addRoute(router, studio, {
		method: "post",
		path: "/audit/export",
		who: SEES,
		async answer(req, actor) {
			const filter = readFilter(readBody(req));
			const entries: Entry[] = [];
			let next: string | null = null;
			for (let pages = 0; pages < MOST_EXPORT_PAGES; pages++) {
				const page = await search(studio, filter, next, Math.min(EXPORT_PAGE, MOST_EXPORTED - entries.length));
				entries.push(...page.entries);
				next = page.next;
				if (next === null || entries.length >= MOST_EXPORTED) break;
			}
			await callDatabase(studio, "select public.record_audit(?, 'export_audit', 'audit_log', 'export', ?::jsonb)", [
				actor,
				JSON.stringify({ ...filter, entries: entries.length }),
			]);
			return { csv: toCsv(COLUMNS, entries.map(lineOf)), entries: entries.length, is_complete: next === null };
		},
	});
}

const COLUMNS = ["time", "who", "who_id", "action", "table", "row", "address", "database_role", "before", "after"];

const lineOf = (entry: Entry): (string | null)[] => [
	entry.created_at,
	entry.actor_name,
	entry.actor,
	entry.action,
	entry.table_name,
	entry.row_id,
	entry.address,
	entry.database_role,
	entry.before === null ? null : JSON.stringify(entry.before),
	entry.after === null ? null : JSON.stringify(entry.after),
];

async function search(studio: Studio, filter: Filter, before: string | null, limit: number) {
	const [row] = await callDatabase(
		studio,
		"select public.search_audit(?, ?, ?, ?, ?::timestamptz, ?::timestamptz, ?::uuid, ?::integer) as page",
		[filter.actor, filter.action, filter.table, filter.row, filter.from, filter.until, before, limit],
	);
	const page = row!.page as { entries: Entry[]; next: string | null };
	return { entries: await nameThem(studio, page.entries), next: page.next };
}

async function nameThem(studio: Studio, entries: Entry[]): Promise<Entry[]> {
	const nameOf = await namesOf(
		studio,
		entries.map(({ actor }) => actor),
	);
	return entries.map((entry) => ({ ...entry, actor_name: nameOf(entry.actor) }));
}

function readFilter(given: Record<string, unknown>): Filter {
	const take = (name: string, fits: (value: string) => boolean, rule: string): string | null => {
		const value = given[name];
		if (value === undefined || value === null || value === "") return null;
		if (typeof value !== "string" || !fits(value)) refuse(`"${name}" must be ${rule}`);
		return value;
	};
	const isShort = (value: string) => value.length <= 200;
	const isTime = (value: string) =>
		/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value));
	return {
		actor: take("actor", isShort, "who acted"),
		action: take("action", isShort, "the name of an action"),
		table: take("table", isShort, "the name of a table"),
		row: take("row", isShort, "the id of a row"),
		from: take("from", isTime, "a time like 2026-11-21T00:00:00Z"),
		until: take("until", isTime, "a time like 2026-11-21T00:00:00Z"),
	};
}
