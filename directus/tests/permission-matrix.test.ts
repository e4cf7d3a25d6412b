/** Walks permission-matrix.ts: every role, collection, action and field kept back, over REST and GraphQL; every route of ours. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseEncryptionKeys } from "../../db/client/secrets.ts";
import type { TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS } from "../../test/merchants.ts";
import { payPayment } from "../../test/payments.ts";
import { collections } from "../config/collections.ts";
import { relations } from "../config/relations.ts";
import { ROLE_NAMES, type RoleName } from "../config/roles.ts";
import type { Router, Studio as StudioContext } from "../extensions/lightspeedpay/src/endpoint/context.ts";
import {
	CHANGEABLE,
	COLLECTIONS,
	KEPT_BACK,
	NOBODY_READS,
	type Reader,
	ROUTES,
	ROUTES_OF_PROGRAMS,
	SYSTEM,
	SYSTEM_OF_EVERYBODY,
	UNKNOWN_TABLES,
} from "./permission-matrix.ts";
import { createStudioDatabase, type Person, type Studio, startStudio } from "./studio-process.ts";

const READERS = ROLE_NAMES.filter((role): role is Reader => role !== "administrator");

let database: TestDatabase;
let studio: Studio;

beforeAll(async () => {
	database = await createStudioDatabase();
	const merchant = await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS));
	await payPayment(database, merchant);
	await database
		.pool("admin")
		.query(
			"insert into public.alerts (kind, severity, message, dedupe_key) values ('no_gateway', 'critical', 'No gateway', 'k')",
		);
	studio = await startStudio(database.url("studio"));
	await Promise.all(ROLE_NAMES.map((role) => studio.person(role)));
});

afterAll(async () => {
	await studio?.stop();
	await database.drop();
});

/** A few at a time: the studio and the tests share a machine. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
	const rest = [...items];
	const worker = async () => {
		for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
	};
	await Promise.all(Array.from({ length: 6 }, worker));
}

/** Columns and relations of the form; not its sections and panels. */
function columnsOf(collection: string): string[] {
	const { fields = [] } = collections.find((candidate) => candidate.collection === collection)!;
	return fields.filter(({ special = [] }) => !special.includes("no-data")).map(({ field }) => field);
}

/** What is expected of the fields a role reads: all but those kept back from it and those that nobody reads. */
function readableFields(role: Reader, collection: string): string[] {
	const kept = KEPT_BACK[collection] ?? {};
	return columnsOf(collection).filter(
		(field) => !NOBODY_READS.includes(`${collection}.${field}`) && (kept[field]?.includes(role) ?? true),
	);
}

describe("the table", () => {
	it("has a line for every collection, and names only fields that there are", () => {
		expect(Object.keys(COLLECTIONS).sort()).toEqual(collections.map(({ collection }) => collection).sort());
		for (const [collection, fields] of Object.entries(KEPT_BACK)) {
			const all = collections.find((each) => each.collection === collection)?.fields?.map(({ field }) => field);
			for (const field of Object.keys(fields)) expect(all, collection).toContain(field);
		}
	});

	it("has a line for every route of ours, and no other", async () => {
		const { forPeople, all } = await addedRoutes();
		expect(Object.keys(ROUTES).sort()).toEqual(forPeople.map(({ name }) => name).sort());
		// Nothing is added past addRoute() and addLive() but what is for programs.
		expect([...Object.keys(ROUTES), ...ROUTES_OF_PROGRAMS].sort()).toEqual(all.sort());
	});
});

describe.each(READERS)("%s", (role) => {
	let person: Person;
	let schema: { queries: string[]; mutations: string[]; fields: Map<string, string[]> };
	/** As Directus tells the app: by collection and action, whether and which fields. */
	let told: Record<string, Record<string, { access: string; fields?: string[] }>>;

	beforeAll(async () => {
		person = await studio.person(role);
		schema = await readGraphqlSchema(person);
		told = (await person.request("GET", "/permissions/me")).body.data;
	});

	const may = (collection: string, action: "R" | "C" | "U" | "D") =>
		(COLLECTIONS[collection]![role] as string).includes(action);

	it("reads, creates, changes and deletes over REST what the table says", async () => {
		await each(Object.keys(COLLECTIONS), async (collection) => {
			const path = `/items/${collection}`;
			const fields = readableFields(role, collection);
			const read = await person.request("GET", `${path}?limit=1&fields=${fields.join(",")}`);
			expect([`read ${collection}`, read.status, read.text]).toEqual([
				`read ${collection}`,
				may(collection, "R") ? 200 : 403,
				expect.anything(),
			]);
			const created = await person.request("POST", path, {});
			expect([`create ${collection}`, created.status !== 403]).toEqual([`create ${collection}`, may(collection, "C")]);
			const id = await anyRowOf(collection);
			if (id === null) return;
			const changed = await person.request("PATCH", `${path}/${id}`, {});
			expect([`change ${collection}`, changed.status !== 403], changed.text).toEqual([
				`change ${collection}`,
				may(collection, "U"),
			]);
			expect([`delete ${collection}`, (await person.request("DELETE", `${path}/${id}`)).status]).toEqual([
				`delete ${collection}`,
				403,
			]);
		});
	});

	it("reads no field that is kept back, whichever way it is asked for", async () => {
		const hidden = Object.keys(COLLECTIONS)
			.filter((collection) => may(collection, "R"))
			.flatMap((collection) => {
				const readable = readableFields(role, collection);
				return columnsOf(collection)
					.filter((field) => !readable.includes(field))
					.map((field) => ({ collection, field }));
			});
		await each(hidden, async ({ collection, field }) => {
			const name = `${collection}.${field}`;
			const relation = isReverse(collection, field);
			for (const query of [`fields=${field}`, `sort=${field}`, `filter[${field}][_nnull]=true`]) {
				const answer = await person.request("GET", `/items/${collection}?limit=1&${query}`);
				// Of rows of a collection that may not be read, Directus leaves the field out instead of refusing.
				if (relation && answer.status === 200) expect(answer.text, name).not.toContain(`"${field}"`);
				else expect([name, query, answer.status]).toEqual([name, query, 403]);
			}
			expect(schema.fields.get(collection), name).not.toContain(field);
			// Nor through a row that points to it.
			const from = relations.find((each) => each.to === collection && may(each.collection, "R"));
			if (from === undefined || relation || !readableFields(role, from.collection).includes(from.field)) return;
			const nested = `fields=${from.field}.${field}`;
			const answer = await person.request("GET", `/items/${from.collection}?limit=1&${nested}`);
			expect([name, nested, answer.status]).toEqual([name, nested, 403]);
		});
	});

	it("sees over GraphQL the collections, fields and changes of the table and no more", async () => {
		const names = Object.keys(COLLECTIONS);
		expect(schema.queries.filter((name) => names.includes(name)).sort()).toEqual(
			names.filter((collection) => may(collection, "R")).sort(),
		);
		for (const collection of names.filter((each) => may(each, "R"))) {
			const shown = schema.fields.get(collection)!.filter((field) => !field.endsWith("_func"));
			// A relation is shown where the rows behind it may be read.
			const expected = readableFields(role, collection).filter(
				(field) => !isReverse(collection, field) || shown.includes(field),
			);
			expect([collection, shown.sort()]).toEqual([collection, expected.sort()]);
		}
		const changing = schema.mutations.filter((name) => names.some((each) => name.endsWith(`_${each}_item`)));
		const expected = names.flatMap((collection) => [
			...(may(collection, "C") ? [`create_${collection}_item`] : []),
			...(may(collection, "U") ? [`update_${collection}_item`] : []),
		]);
		expect(changing.sort()).toEqual(expected.sort());
	});

	it("is answered by GraphQL as by REST", async () => {
		const ask = (wanted: string[]) =>
			person.request("POST", "/graphql", {
				query: `{ ${wanted.map((collection) => `${collection}(limit: 1) { ${scalarOf(collection)} }`).join(" ")} }`,
			});
		const [allowed, refused] = [true, false].map((readable) =>
			Object.keys(COLLECTIONS).filter((collection) => may(collection, "R") === readable),
		) as [string[], string[]];
		const answered = await ask(allowed);
		expect(Object.keys(answered.body.data ?? {}).sort(), answered.text).toEqual(allowed.sort());
		if (refused.length === 0) return;
		const { body } = await ask(refused);
		expect([body.data, body.errors.length > 0]).toEqual([undefined, true]);
	});

	it("is told by the app's own question what the table says, of empty collections too", () => {
		const letters = { R: "read", C: "create", U: "update", D: "delete", S: "share" };
		for (const [collection, roles] of Object.entries(COLLECTIONS)) {
			const found = Object.entries(letters)
				.filter(([, action]) => (told[collection]?.[action]?.access ?? "none") !== "none")
				.map(([letter]) => letter);
			expect([collection, found.join("")]).toEqual([collection, roles[role]]);
		}
	});

	it("changes only the fields of the table", () => {
		for (const [collection, roles] of Object.entries(CHANGEABLE)) {
			const fields = (told[collection]?.update?.fields ?? []).filter((field) => !field.startsWith("section_"));
			expect([collection, fields.sort()]).toEqual([collection, [...(roles[role] ?? [])].sort()]);
		}
	});

	it("has of Directus' own tables what the table says", () => {
		const found = Object.fromEntries(
			Object.entries(told)
				.filter(([collection]) => collection.startsWith("directus_"))
				.map(([collection, actions]) => [
					collection,
					Object.entries(actions)
						.filter(([, { access }]) => access !== "none")
						.map(([action, { access }]) => (access === "full" ? action : `${action} some`))
						.join(", "),
				])
				.filter(([, actions]) => actions !== ""),
		);
		expect(found).toEqual({ ...SYSTEM_OF_EVERYBODY, ...SYSTEM[role] });
	});
});

describe("nobody", () => {
	it("without a login sees, makes or calls anything", async () => {
		const { nobody } = studio;
		await each(Object.keys(COLLECTIONS), async (collection) => {
			const path = `/items/${collection}`;
			const answers = await Promise.all([
				nobody.request("GET", path),
				nobody.request("POST", path, {}),
				nobody.request("PATCH", `${path}/1`, {}),
				nobody.request("DELETE", `${path}/1`),
			]);
			expect([collection, ...answers.map(({ status }) => status)]).toEqual([collection, 403, 403, 403, 403]);
		});
		const { queries, mutations } = await readGraphqlSchema(nobody);
		expect([...queries, ...mutations].filter((name) => name in COLLECTIONS || /_item$/.test(name))).toEqual([]);
	});

	it.each(ROLE_NAMES)("reads secrets at rest as %s, or knows of the studio's own tables", async (role) => {
		const person = await studio.person(role);
		const { fields } = await readGraphqlSchema(person);
		await each(NOBODY_READS, async (name) => {
			const [collection, field] = name.split(".") as [string, string];
			for (const query of [`fields=${field}`, `sort=${field}`, `filter[${field}][_nnull]=true`, `groupBy=${field}`]) {
				const answer = await person.request("GET", `/items/${collection}?limit=1&${query}`);
				expect([name, query, answer.status !== 200]).toEqual([name, query, true]);
			}
			expect(fields.get(collection) ?? [], name).not.toContain(field);
		});
		await each(UNKNOWN_TABLES, async (table) => {
			expect([table, (await person.request("GET", `/items/${table}`)).status]).toEqual([table, 403]);
		});
	});
});

describe("our routes", () => {
	it("let in whom the table names and nobody else, before they look at what was sent", async () => {
		const { forPeople: routes } = await addedRoutes();
		for (const role of [...ROLE_NAMES, null] as (RoleName | null)[]) {
			const person = role === null ? studio.nobody : await studio.person(role);
			await each(routes, async ({ name, method, path }) => {
				const admitted = role === "administrator" || (role !== null && ROUTES[name]!.includes(role));
				// No id and no object: whoever is let in is told so, and nothing happens.
				const url = `/lightspeedpay${path.replaceAll(/:\w+/g, "x")}`;
				const body = method === "get" ? undefined : [];
				const answer = await person.request(method.toUpperCase(), url, body);
				expect([role, name, answer.status !== 403], answer.text).toEqual([role, name, admitted]);
				expect(answer.status, `${name}: ${answer.text}`).toBeLessThan(500);
				if (admitted || method !== "get") return;
				const stream = await person.request("GET", url, undefined, { accept: "text/event-stream" });
				expect([role, name, stream.status]).toEqual([role, name, 403]);
			});
		}
	});

	it("for programs let nobody in who only logged in", async () => {
		for (const role of [...ROLE_NAMES, null] as (RoleName | null)[]) {
			const person = role === null ? studio.nobody : await studio.person(role);
			for (const name of ROUTES_OF_PROGRAMS) {
				const [method, path] = name.split(" ") as [string, string];
				const url = `/lightspeedpay${path.replaceAll(/:\w+/g, "01900000-0000-7000-8000-000000000000")}`;
				const answer = await person.request(method.toUpperCase(), url, {}, { "x-lightspeedpay-proof": "guess" });
				expect([role, name, answer.status]).toEqual([role, name, 403]);
			}
		}
	});
});

/** A field that everybody reads who reads the collection, and that is no relation. */
function scalarOf(collection: string): string {
	const { fields = [] } = collections.find((candidate) => candidate.collection === collection)!;
	return fields.find(
		({ field, special = [] }) =>
			!special.some((each) => ["no-data", "o2m"].includes(each)) &&
			!relations.some((each) => each.collection === collection && each.field === field) &&
			!NOBODY_READS.includes(`${collection}.${field}`) &&
			KEPT_BACK[collection]?.[field] === undefined,
	)!.field;
}

/** The collection behind it is another one's rows, listed under this field. */
function isReverse(collection: string, field: string): boolean {
	const { fields = [] } = collections.find((candidate) => candidate.collection === collection)!;
	return fields.find((each) => each.field === field)?.special?.includes("o2m") ?? false;
}

async function anyRowOf(collection: string): Promise<string | null> {
	const { rows } = await database.pool("admin").query<{ key: string }>(
		`select a.attname as key from pg_catalog.pg_index i
		join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
		where i.indisprimary and i.indrelid = format('public.%I', $1::text)::regclass`,
		[collection],
	);
	const admin = await studio.person("administrator");
	const answer = await admin.request("GET", `/items/${collection}?limit=1`);
	const row = answer.body?.data?.[0];
	return row === undefined ? null : String(row[rows[0]!.key]);
}

async function readGraphqlSchema(person: Person) {
	const query = `{ __schema {
		queryType { fields { name } } mutationType { fields { name } } types { name fields { name } }
	} }`;
	const { body, text } = await person.request("POST", "/graphql", { query });
	if (body?.data === undefined) throw new Error(text);
	const { queryType, mutationType, types } = body.data.__schema;
	const namesOf = (type: { fields: { name: string }[] | null } | null) => (type?.fields ?? []).map(({ name }) => name);
	return {
		queries: namesOf(queryType),
		mutations: namesOf(mutationType),
		fields: new Map<string, string[]>(
			(types as { name: string; fields: { name: string }[] | null }[]).map((type) => [type.name, namesOf(type)]),
		),
	};
}

/** As the studio adds them at its start: those for people, and the names of all. */
async function addedRoutes(): Promise<{ forPeople: { name: string; method: string; path: string }[]; all: string[] }> {
	process.env.ENCRYPTION_KEYS ??= TEST_ENCRYPTION_KEYS;
	const { addEveryRoute } = await import("../extensions/lightspeedpay/src/endpoint/every-route.ts");
	const { ROUTES: added } = await import("../extensions/lightspeedpay/src/endpoint/routes.ts");
	const all: string[] = [];
	const router = Object.fromEntries(
		["get", "post", "patch", "delete", "put", "all", "use"].map((method) => [
			method,
			(path: string) => all.push(`${method} ${path}`),
		]),
	);
	addEveryRoute(router as unknown as Router, {} as StudioContext);
	return { forPeople: added.map(({ method, path }) => ({ name: `${method} ${path}`, method, path })), all };
}
