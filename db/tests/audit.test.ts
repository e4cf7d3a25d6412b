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
interface Page {
	entries: { id: string; actor: string; action: string; row_id: string; created_at: string }[];
	next: string | null;
}

async function read(asked: Asked): Promise<Page> {
	const [row] = await queryAs(() => database.pool("studio"))<{ page: Page }>(
		"select search_audit($1, $2, $3, $4, $5, $6, $7, $8) as page",
		[
			asked.actor ?? null,
			asked.action ?? null,
			asked.table ?? null,
			asked.row ?? null,
			asked.from ?? null,
			asked.to ?? null,
			asked.before ?? null,
			asked.limit ?? 1000,
		],
	);
	return row!.page;
}
const search = async (asked: Asked) => (await read(asked)).entries;

test("entries are found by person, table, row, action and date, and by all together", async () => {
	expect(await search({ actor: "ravi" })).toHaveLength(30);
	expect(await search({ table: "clients" })).toHaveLength(690);
	expect(await search({ table: "clients", row: "3" })).toHaveLength(72);
	expect((await search({ row: "0" })).map(({ row_id }) => row_id)).toEqual(Array(72).fill("0"));
	expect(await search({ action: "insert" })).toHaveLength(30);
	const day = { from: "2026-06-10 00:00+05:30", to: "2026-06-11 00:00+05:30" };
	expect(await search(day)).toHaveLength(24);
	expect(await search({ ...day, actor: "ravi", table: "payment_gateways", action: "update" })).toHaveLength(1);
	expect(await search({ ...day, actor: "ravi", action: "insert" })).toEqual([]);
});

test("pages follow each other, newest first, without a gap or an entry twice", async () => {
	const all = await search({ actor: "asha" });
	const paged: typeof all = [];
	let next: string | null | undefined;
	do {
		const page = await read({ actor: "asha", limit: 97, before: next ?? undefined });
		paged.push(...page.entries);
		next = page.next;
	} while (next !== null);
	expect(paged).toEqual(all);
	const times = all.map(({ created_at }) => created_at);
	expect(times).toEqual([...times].sort().reverse());
});

test("the facets are each person, action and table once", async () => {
	const [row] = await queryAs(() => database.pool("studio"))("select list_audit_facets() as facets");
	expect(row).toEqual({
		facets: { actors: ["asha", "ravi"], actions: ["insert", "update"], tables: ["clients", "payment_gateways"] },
	});
});

test("a search that finds little among much says where to look on instead of looking through everything", async () => {
	await rows(`insert into audit_log (id, actor, database_role, action, table_name, row_id, created_at)
		select uuidv7(at - clock_timestamp()), 'meera', 'studio', case when n = 1 then 'delete' else 'update' end, 'wallets', '1', at
		from generate_series(1, 30000) n, lateral (select timestamptz '2026-07-01' + n * interval '1 minute' as at) t order by n`);
	await rows("analyze audit_log");
	const first = await read({ actor: "meera", action: "delete" });
	expect(first.entries).toEqual([]);
	const second = await read({ actor: "meera", action: "delete", before: first.next! });
	expect(second.entries).toHaveLength(1);
	expect(second.next).toBeNull();
});
