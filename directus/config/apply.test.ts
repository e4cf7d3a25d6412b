import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { prepareStudio } from "../prepare.ts";
import { collections } from "./collections.ts";
import { relations } from "./relations.ts";
import { roles } from "./roles.ts";

const admin = { email: "admin@example.com", password: "correct horse battery staple" };

let database: TestDatabase;
const prepare = () => prepareStudio({ databaseUrl: database.url("studio"), admin });

async function snapshot(): Promise<string> {
	const tables = [
		"collections",
		"fields",
		"relations",
		"roles",
		"policies",
		"access",
		"permissions",
		"presets",
		"settings",
	];
	const contents: string[] = [];
	for (const table of tables) {
		const { rows } = await database
			.pool("admin")
			.query<{ row: string }>(`select to_jsonb(t)::text as row from directus.directus_${table} t order by 1`);
		contents.push(table, ...rows.map(({ row }) => row));
	}
	return contents.join("\n");
}

beforeAll(async () => {
	database = await createTestDatabase();
}, 60_000);
afterAll(() => database.drop());

describe("the studio's configuration", () => {
	it("is installed by the first preparation and untouched by the second", { timeout: 60_000 }, async () => {
		const first = await prepare();
		expect(first.installed).toBe(true);
		expect(Object.keys(first.changed)).toContain("directus_permissions");
		const before = await snapshot();

		const started = performance.now();
		const second = await prepare();
		expect(performance.now() - started).toBeLessThan(2_000);
		expect(second).toEqual({ installed: false, changed: {}, adminId: first.adminId });
		expect(await snapshot()).toBe(before);
	});

	it("takes back what was changed, added or removed by hand", async () => {
		const before = await snapshot();
		const studio = database.pool("studio");
		await studio.query("update directus_permissions set fields = '*' where collection = 'clients'");
		await studio.query("delete from directus_fields where collection = 'clients' and field = 'gstin'");
		await studio.query(
			"insert into directus_permissions (policy, collection, action, fields) values ($1, 'transactions', 'delete', '*')",
			[roles.support.policy],
		);
		expect(Object.keys((await prepare()).changed).sort()).toEqual(["directus_fields", "directus_permissions"]);
		const withoutSerials = (text: string) => text.replaceAll(/"id": \d+, /g, "");
		expect(
			withoutSerials(await snapshot())
				.split("\n")
				.sort(),
		).toEqual(withoutSerials(before).split("\n").sort());
	});

	it("leaves an administrator's own settings and a changed password alone", async () => {
		const studio = database.pool("studio");
		await studio.query("update directus_settings set public_note = 'Ask Meera'");
		await studio.query("update directus_users set password = 'changed' where email = $1", [admin.email]);
		await prepare();
		const { rows } = await studio.query(
			"select public_note, (select password from directus_users where email = $1) as password from directus_settings",
			[admin.email],
		);
		expect(rows).toEqual([{ public_note: "Ask Meera", password: "changed" }]);
	});

	it("names every column that the studio can see, and none that does not exist", async () => {
		const { rows } = await database.pool("admin").query<{ name: string }>(
			`select c.relname || '.' || a.attname as name
			from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
			where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
				and c.relname = any($1)`,
			[collections.map(({ collection }) => collection)],
		);
		const columns = rows.map(({ name }) => name).sort();
		const described = collections.flatMap(({ collection, fields = [] }) =>
			fields
				.filter(({ special = [] }) => !special.includes("no-data") && !special.includes("o2m"))
				.map(({ field }) => `${collection}.${field}`),
		);
		expect(described.sort()).toEqual(columns);
	});

	it("has labels in English and Hindi for every collection and field that is shown", async () => {
		const { rows } = await database.pool("admin").query<{ name: string }>(
			`select collection || '.' || field as name from directus.directus_fields
			where collection = any($1) and not hidden
				and (translations is null or not translations::jsonb @> '[{"language": "en-US"}, {"language": "hi-IN"}]')
			union all
			select collection from directus.directus_collections
			where not translations::jsonb @> '[{"language": "en-US"}, {"language": "hi-IN"}]'`,
			[collections.map(({ collection }) => collection)],
		);
		expect(rows).toEqual([]);
	});

	it("relates only columns and reverse fields that exist", () => {
		const names = new Map(
			collections.map(({ collection, fields = [] }) => [collection, fields.map(({ field }) => field)]),
		);
		for (const { collection, field, to, reverse } of relations) {
			expect(names.get(collection)).toContain(field);
			if (reverse !== undefined) expect(names.get(to)).toContain(reverse);
		}
	});
});
