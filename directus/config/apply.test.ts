import { spawn } from "node:child_process";
import { once } from "node:events";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { providers } from "../../psp/providers.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { prepareStudio } from "../prepare.ts";
import { applyConfiguration } from "./apply.ts";
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

/**
 * Which version of each row there is in the studio's schema: written by which transaction, and where. A row written
 * again with what it had before is another version.
 */
async function writtenRows(): Promise<string[]> {
	const admin = database.pool("admin");
	const { rows: tables } = await admin.query<{ name: string }>(
		"select oid::regclass::text as name from pg_catalog.pg_class where relnamespace = 'directus'::regnamespace and relkind = 'r'",
	);
	const versions: string[] = [];
	for (const { name } of tables) {
		const { rows } = await admin.query<{ version: string }>(
			`select concat_ws(' ', '${name}', ctid, xmin) as version from ${name}`,
		);
		versions.push(...rows.map(({ version }) => version));
	}
	return versions.sort();
}

beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

describe("the studio's configuration", () => {
	it("is installed by the first preparation and untouched by the second", async () => {
		const first = await prepare();
		expect(first.installed).toBe(true);
		expect(Object.keys(first.changed)).toContain("directus_permissions");
		const before = await snapshot();

		const writtenBefore = await writtenRows();
		const started = performance.now();
		const second = await prepare();
		console.log(`The second preparation of the studio took ${Math.round(performance.now() - started)} ms.`);
		expect(second).toEqual({ installed: false, changed: {}, drift: [], adminId: first.adminId });
		expect(await snapshot()).toBe(before);
		expect(await writtenRows()).toEqual(writtenBefore);
	});

	it("offers the providers that there is an adapter for, and no others", async () => {
		const { rows } = await database.pool("admin").query<{ offered: string[]; taken: string[] }>(
			`select jsonb_path_query_array(options::jsonb, '$.choices[*].value') as offered,
				jsonb_path_query_array(validation::jsonb, '$._and._or.provider._in[*]') as taken
			from directus.directus_fields where collection = 'payment_gateways' and field = 'provider'`,
		);
		expect(rows).toEqual([{ offered: Object.keys(providers), taken: Object.keys(providers) }]);
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
		const { changed } = await prepare();
		expect(Object.keys(changed).sort()).toEqual(["directus_fields", "directus_permissions"]);
		const withoutSerials = (text: string) => text.replaceAll(/"id": \d+, /g, "");
		expect(
			withoutSerials(await snapshot())
				.split("\n")
				.sort(),
		).toEqual(withoutSerials(before).split("\n").sort());
	});

	it("keeps what it took back, raises a warning that names it, and does not take its own changes for somebody's", async () => {
		const studio = database.pool("studio");
		const seen = "select table_name, row_key, kind, by_hand, by_code from public.studio_drift order by id";
		const { rows: before } = await studio.query(seen);
		await studio.query("update directus_fields set note = 'By hand' where collection = 'clients' and field = 'gstin'");
		const { drift } = await prepare();
		const change = {
			table_name: "directus_fields",
			row_key: "clients.gstin",
			kind: "changed",
			by_hand: { note: "By hand" },
			by_code: { note: null },
		};
		expect(drift).toEqual([change]);
		expect((await studio.query(seen)).rows.slice(before.length)).toEqual([change]);
		const { rows: alerts } = await studio.query(
			"select severity, status, message from public.alerts where kind = 'studio_changed_by_hand'",
		);
		expect(alerts).toEqual([
			{ severity: "warning", status: "open", message: expect.stringContaining("clients.gstin (removed)") },
		]);

		// A new version of the code: what the old one had written is nobody's hand.
		const client = await database.pool("studio").connect();
		try {
			const other = client as unknown as pg.Client;
			const { changed, drift } = await applyConfiguration(other, { requireSecondFactor: false });
			expect([Object.keys(changed), drift]).toEqual([["directus_policies"], []]);
			expect((await applyConfiguration(other, { requireSecondFactor: false })).changed).toEqual({});
		} finally {
			client.release();
		}
		expect((await prepare()).drift).toEqual([]);
	});

	it("says what differs and what was made beside it, changing nothing", async () => {
		const studio = database.pool("studio");
		await studio.query("update directus_roles set icon = 'star' where id = $1", [roles.support.id]);
		await studio.query(
			`insert into directus_flows (id, name, icon, status, "trigger") values (gen_random_uuid(), 'Tell Meera', 'bolt', 'active', 'manual')`,
		);
		const before = await writtenRows();
		const run = async (script: string) => {
			const child = spawn(process.execPath, [`scripts/${script}.ts`], {
				env: { PATH: process.env.PATH, DATABASE_URL: database.url("studio"), STUDIO_REQUIRE_TFA: "on" },
			});
			let output = "";
			for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
			const [code] = await once(child, "close");
			return { code, output };
		};
		const [diff, exported] = await Promise.all([run("studio-diff"), run("studio-export")]);
		expect(diff.output).toContain('icon: "star" in the studio, "headset_mic" in the code');
		expect(diff.output).toContain("directus_flows: Tell Meera");
		expect(diff.code).toBe(1);
		expect(exported.code, exported.output).toBe(0);
		expect(JSON.parse(exported.output)).toEqual({
			directus_flows: [expect.objectContaining({ name: "Tell Meera", trigger: "manual" })],
		});
		expect(await writtenRows()).toEqual(before);
		await prepare();
		expect(await run("studio-diff")).toEqual({ code: 0, output: expect.stringContaining("as the code says") });
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
				and c.relname = any($1)
				-- what chains the ledger is for its verifier
				and a.attname not in ('hash', 'head_hash')`,
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
