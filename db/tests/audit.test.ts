import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { queryAs } from "../../test/payments.ts";

let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
	// asha changes clients each hour of June, ravi a gateway each day
	await rows(`insert into audit_log (id, actor, database_role, action, table_name, row_id, created_at)
		select uuidv7(at - clock_timestamp()), case when hour % 24 = 0 then 'ravi' else 'asha' end, 'studio',
			case when hour % 24 = 1 then 'insert' else 'update' end, case when hour % 24 = 0 then 'payment_gateways' else 'clients' end,
			(hour % 10)::text, at
		from generate_series(0, 719) hour, lateral (select timestamptz '2026-06-01 00:00+05:30' + hour * interval '1 hour' as at) t
		order by hour`);
});
afterAll(() => database.drop());

const rows = queryAs(() => database.pool("admin"));

interface Asked {
	actor?: string;
	action?: string;
	table?: string;
	row?: string;
	from?: string;
	to?: string;
	before?: string | undefined;
	limit?: number;
}
const search = (asked: Asked) =>
	queryAs(() => database.pool("studio"))<{
		id: string;
		actor: string;
		action: string;
		row_id: string;
		created_at: Date;
	}>("select * from search_audit($1, $2, $3, $4, $5, $6, $7, $8)", [
		asked.actor ?? null,
		asked.action ?? null,
		asked.table ?? null,
		asked.row ?? null,
		asked.from ?? null,
		asked.to ?? null,
		asked.before ?? null,
		asked.limit ?? 1000,
	]);

test("entries are found by person, table, row, action and date, and by all together", async () => {
	expect(await search({ actor: "ravi" })).toHaveLength(30);
	expect(await search({ table: "clients" })).toHaveLength(690);
	expect(await search({ table: "clients", row: "3" })).toHaveLength(72);
	expect(await search({ action: "insert" })).toHaveLength(30);
	const day = { from: "2026-06-10 00:00+05:30", to: "2026-06-11 00:00+05:30" };
	expect(await search(day)).toHaveLength(24);
	expect(await search({ ...day, actor: "ravi", table: "payment_gateways", action: "update" })).toHaveLength(1);
	expect(await search({ ...day, actor: "ravi", action: "insert" })).toEqual([]);
});

test("pages follow each other, newest first, without a gap or an entry twice", async () => {
	const all = await search({ actor: "asha" });
	const paged: typeof all = [];
	for (let page = all.slice(0, 0); paged.length === 0 || page.length > 0; ) {
		page = await search({ actor: "asha", limit: 97, before: paged.at(-1)?.id });
		paged.push(...page);
	}
	expect(paged).toEqual(all);
	expect(all.map(({ created_at }) => created_at.getTime())).toEqual(
		all.map(({ created_at }) => created_at.getTime()).sort((a, b) => b - a),
	);
});

test("the facets are each person, action and table once", async () => {
	const [row] = await queryAs(() => database.pool("studio"))("select list_audit_facets() as facets");
	expect(row).toEqual({
		facets: { actors: ["asha", "ravi"], actions: ["insert", "update"], tables: ["clients", "payment_gateways"] },
	});
});
