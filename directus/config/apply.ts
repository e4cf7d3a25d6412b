/** Writes the studio's configuration into Directus' tables: rows that differ are changed, rows that are gone removed. */
import { createHash } from "node:crypto";
import type pg from "pg";
import { collections, folders } from "./collections.ts";
import { dashboards } from "./dashboards.ts";
import type { Bookmark, Collection, Field, Label } from "./fields.ts";
import { flowRows, flows, operationRows } from "./flows.ts";
import { HINDI, translated, translatedOptions } from "./hindi.ts";
import { personFields } from "./people.ts";
import { relations } from "./relations.ts";
import { type Permission, roles } from "./roles.ts";
import { settings } from "./settings.ts";

type Row = Record<string, unknown>;

export interface Table {
	name: string;
	/** What names a row; compared with "is not distinct from". */
	key: string[];
	rows: Row[];
	/** Columns that are written with a new row and then left to people. */
	theirs?: string[];
	/** Condition on t: rows of ours, removed when no longer described. Absent: nothing is removed. */
	ours?: string;
}

/** What somebody changed by hand in the studio in a row that the code describes. */
export interface Drift {
	table_name: string;
	/** What names the row, e.g. "clients.gstin". */
	row_key: string;
	kind: "added" | "changed" | "removed";
	/** As it is or was by hand, and as the code has it; of a change only the columns that differ. */
	by_hand: Row | null;
	by_code: Row | null;
}

export interface Applied {
	/** Changed rows by table; empty when all was as described. */
	changed: Record<string, number>;
	/** Those of them that somebody had changed by hand since the code was last applied; set back now. */
	drift: Drift[];
}

/** Applies everything in one transaction. What was changed by hand is kept in studio_drift and raises an alert. */
export async function applyConfiguration(client: pg.Client, options: ConfigurationOptions = {}): Promise<Applied> {
	const tables = describe(options);
	await client.query("begin");
	try {
		const known = await readStamp(client);
		const described = createHash("sha256").update(JSON.stringify(tables)).digest("hex");
		const changed: Record<string, number> = {};
		const drift: Drift[] = [];
		for (const table of tables) {
			const rows = await mergeRows(client, table);
			if (rows.length === 0) continue;
			changed[table.name] = rows.length;
			// Before the first time there is nothing to compare with.
			if (known !== null) drift.push(...findDrift(table, rows, await readApplied(client, table, rows)));
		}
		if (known !== described || Object.keys(changed).length > 0) await keepApplied(client, tables, described);
		if (drift.length > 0) await client.query("select public.report_studio_drift($1::jsonb)", [JSON.stringify(drift)]);
		await client.query("commit");
		return { changed, drift };
	} catch (error) {
		await client.query("rollback");
		throw error;
	}
}

/** What applyConfiguration() would change, changing nothing: by the code's hand or a person's. */
export async function compareConfiguration(client: pg.Client, options: ConfigurationOptions = {}): Promise<Drift[]> {
	await client.query("begin");
	try {
		const differences: Drift[] = [];
		for (const table of describe(options)) {
			for (const { action, before, after } of await mergeRows(client, table)) {
				differences.push(difference(table, action, before, after));
			}
		}
		return differences;
	} finally {
		await client.query("rollback");
	}
}

export interface ConfigurationOptions {
	/** Whether roles that deal in money, people or secrets need a second factor (roles.ts says which). */
	requireSecondFactor?: boolean;
}

export function describe({ requireSecondFactor = true }: ConfigurationOptions): Table[] {
	const named = collections.map(({ collection }) => quote(collection)).join(", ");
	const allRoles = Object.values(roles);
	const policies = allRoles.map(({ policy }) => quote(policy)).join(", ");
	const allDashboards = Object.values(dashboards);
	const dashboardIds = allDashboards.map(({ id }) => quote(id)).join(", ");
	return [
		{ name: "directus_settings", key: ["id"], rows: [settings] },
		{
			name: "directus_collections",
			key: ["collection"],
			rows: [
				...folders.map((folder, sort) => collectionRow(folder, sort + 1)),
				...collections.map((collection, sort) => collectionRow(collection, sort + 1)),
			],
		},
		{
			name: "directus_fields",
			key: ["collection", "field"],
			rows: [
				...collections.flatMap(({ collection, fields = [] }) =>
					fields.map((field, sort) => fieldRow(collection, field, sort + 1)),
				),
				// After Directus' own fields of a person.
				...personFields.map((field, sort) => fieldRow("directus_users", field, sort + 100)),
			],
			ours: `(t.collection in (${named}) or (t.collection = 'directus_users' and t.interface like 'lightspeedpay-%'))`,
		},
		{
			name: "directus_relations",
			key: ["many_collection", "many_field"],
			rows: relations.map(({ collection, field, to, reverse }) => ({
				many_collection: collection,
				many_field: field,
				one_collection: to,
				one_field: reverse ?? null,
				one_deselect_action: "nullify",
			})),
			ours: `t.many_collection in (${named})`,
		},
		{
			name: "directus_roles",
			key: ["id"],
			rows: allRoles.map(({ id, name, icon, description }) => ({ id, name, icon, description })),
		},
		{
			name: "directus_policies",
			key: ["id"],
			rows: allRoles.map(({ policy, name, icon, description, permissions, secondFactor }) => ({
				id: policy,
				name,
				icon,
				description,
				admin_access: permissions === "all",
				app_access: true,
				enforce_tfa: requireSecondFactor && secondFactor,
			})),
		},
		{
			name: "directus_access",
			key: ["id"],
			rows: allRoles.map(({ access, id, policy }) => ({ id: access, role: id, policy, sort: 1 })),
		},
		{
			name: "directus_permissions",
			key: ["policy", "collection", "action"],
			rows: allRoles.flatMap(({ policy, permissions }) =>
				permissions === "all" ? [] : permissions.map((permission) => permissionRow(policy, permission)),
			),
			ours: `t.policy in (${policies})`,
		},
		{
			name: "directus_presets",
			key: ["collection", "bookmark", "user", "role"],
			rows: collections.flatMap(presetRows),
			ours: `t.collection in (${named}) and t."user" is null and t.role is null`,
		},
		{
			name: "directus_translations",
			key: ["id"],
			rows: Object.entries(HINDI).map(([key, value]) => ({ id: translationId(key), language: "hi-IN", key, value })),
			ours: `t.id::text like '${TRANSLATION_IDS}-%'`,
		},
		{ name: "directus_flows", key: ["id"], rows: flowRows(), theirs: ["status"] },
		{
			name: "directus_operations",
			key: ["id"],
			rows: operationRows(),
			ours: `t.flow in (${flows.map(({ id }) => quote(id)).join(", ")})`,
		},
		{
			name: "directus_dashboards",
			key: ["id"],
			rows: allDashboards.map(({ panels, ...row }) => ({ ...row })),
		},
		{
			name: "directus_panels",
			key: ["id"],
			rows: allDashboards.flatMap(({ id, panels }) =>
				panels.map((panel) => ({ dashboard: id, color: null, show_header: true, note: null, ...panel })),
			),
			ours: `t.dashboard in (${dashboardIds})`,
		},
	];
}

function translations(text: Label, singular?: Label): Row[] {
	return [
		{ language: "en-US", translation: text.en, ...(singular && { singular: singular.en, plural: text.en }) },
		{ language: "hi-IN", translation: text.hi, ...(singular && { singular: singular.hi, plural: text.hi }) },
	];
}

function collectionRow(collection: Collection, sort: number): Row {
	return {
		collection: collection.collection,
		icon: collection.icon,
		color: collection.color ?? null,
		note: collection.note ?? null,
		display_template: collection.template ?? null,
		hidden: collection.hidden ?? false,
		singleton: false,
		translations: translations(collection.label, collection.singular ?? collection.label),
		group: collection.folder ?? null,
		sort,
		collapse: "open",
		accountability: "all",
		versioning: false,
		archive_app_filter: false,
	};
}

function fieldRow(collection: string, field: Field, sort: number): Row {
	return {
		collection,
		field: field.field,
		special: field.special?.join(",") ?? null,
		interface: field.interface ?? null,
		options: translatedOptions(field.options) ?? null,
		display: field.display ?? null,
		display_options: translatedOptions(field.displayOptions) ?? null,
		readonly: field.readonly ?? false,
		hidden: field.hidden ?? false,
		sort,
		width: field.width ?? "half",
		translations: field.label.en === field.field ? null : sectionLabel(field),
		note: field.note ? translated(field.note) : null,
		required: field.required ?? false,
		group: field.group ?? null,
		validation: field.validation === undefined ? null : { _and: [field.validation] },
		validation_message: field.validationMessage ? translated(field.validationMessage) : null,
		searchable: field.searchable ?? true,
		conditions: field.conditions ?? null,
	};
}

function sectionLabel(field: Field): Row[] {
	return translations(field.label).map(({ language, translation }) => ({ language, translation }));
}

function permissionRow(policy: string, permission: Permission): Row {
	return {
		policy,
		collection: permission.collection,
		action: permission.action,
		permissions: permission.rows ?? {},
		validation: {},
		presets: null,
		fields: permission.fields.join(","),
	};
}

function presetRows({ collection, list, bookmarks = [] }: Collection): Row[] {
	if (list === undefined) return [];
	const layout = (bookmark: Bookmark | null): Row => ({
		collection,
		bookmark: bookmark === null ? null : translated(bookmark.name),
		user: null,
		role: null,
		layout: "tabular",
		layout_query: { tabular: { fields: list.fields, sort: [list.sort], limit: 25, page: 1 } },
		layout_options: { tabular: { widths: list.widths ?? {}, spacing: "cozy" } },
		refresh_interval: list.refreshSeconds ?? null,
		filter: bookmark === null ? null : { _and: [bookmark.filter] },
		icon: bookmark?.icon ?? "bookmark",
		color: bookmark?.color ?? null,
	});
	return [layout(null), ...bookmarks.map(layout)];
}

const TRANSLATION_IDS = "e0000000";

/** The same text is the same row everywhere. */
function translationId(text: string): string {
	const hash = createHash("sha256").update(text).digest("hex");
	return `${TRANSLATION_IDS}-${hash.slice(0, 4)}-4${hash.slice(4, 7)}-8${hash.slice(7, 10)}-${hash.slice(10, 22)}`;
}

const quote = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

interface MergedRow {
	action: "INSERT" | "UPDATE" | "DELETE";
	/** The described columns of the row. */
	before: Row | null;
	after: Row | null;
}

async function mergeRows(client: pg.Client, { name, key, rows, theirs = [], ours }: Table): Promise<MergedRow[]> {
	const columns = columnsOf(rows);
	const described = columns.filter((column) => !theirs.includes(column));
	const { rows: types } = await client.query<{ name: string; is_json: boolean }>(
		`select attname as name, atttypid = 'json'::regtype as is_json from pg_catalog.pg_attribute
		where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
		[`directus.${name}`],
	);
	const jsonColumns = new Set(types.filter(({ is_json }) => is_json).map((type) => type.name));
	// Type json has no equality.
	const comparable = (alias: string, column: string) =>
		`${alias}.${identifier(column)}${jsonColumns.has(column) ? "::jsonb" : ""}`;
	const values = described.filter((column) => !key.includes(column));
	const differs = values.map((column) => `${comparable("t", column)} is distinct from ${comparable("s", column)}`);
	const { rows: merged } = await client.query<MergedRow>(
		`merge into directus.${name} t
		using jsonb_populate_recordset(null::directus.${name}, $1::jsonb) s
		on ${keyOf("t", key)} = ${keyOf("s", key)}
		when matched and (${differs.join(" or ")}) then
			update set ${values.map((column) => `${identifier(column)} = s.${identifier(column)}`).join(", ")}
		when not matched then
			insert (${columns.map(identifier).join(", ")}) values (${columns.map((column) => `s.${identifier(column)}`).join(", ")})
		${ours === undefined ? "" : `when not matched by source and ${ours} then delete`}
		returning with (old as o, new as n) merge_action() as action,
			case merge_action() when 'INSERT' then null else ${objectOf("o", described)} end as before,
			case merge_action() when 'DELETE' then null else ${objectOf("n", described)} end as after`,
		[JSON.stringify(rows)],
	);
	return merged;
}

function columnsOf(rows: Row[]): string[] {
	return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

/** As one jsonb value, because a part of the key may be null and a join must be hashable. */
export const keyOf = (alias: string, key: string[]) =>
	`jsonb_build_array(${key.map((column) => `${alias}.${identifier(column)}`).join(", ")})`;

const objectOf = (alias: string, columns: string[]) =>
	`jsonb_build_object(${columns.map((column) => `${quote(column)}, ${alias}.${identifier(column)}`).join(", ")})`;

/** Row of studio_configuration that says what was described when the code was last applied. */
const STAMP = "(described)";

async function readStamp(client: pg.Client): Promise<string | null> {
	const { rows } = await client.query<{ described: string }>(
		"select content ->> 'sha256' as described from public.studio_configuration where table_name = $1",
		[STAMP],
	);
	return rows[0]?.described ?? null;
}

/** The rows as they were last applied, by key. */
async function readApplied(client: pg.Client, { name, key }: Table, rows: MergedRow[]): Promise<Map<string, Row>> {
	const keys = rows.map(({ before, after }) => key.map((column) => (before ?? after)![column] ?? null));
	const { rows: applied } = await client.query<{ row_key: string; content: Row }>(
		`select row_key, content from public.studio_configuration
		where table_name = $1 and row_key in (select value from jsonb_array_elements($2::jsonb))`,
		[name, JSON.stringify(keys)],
	);
	return new Map(applied.map(({ row_key, content }) => [JSON.stringify(row_key), content]));
}

function findDrift(table: Table, rows: MergedRow[], applied: Map<string, Row>): Drift[] {
	const drift: Drift[] = [];
	for (const { action, before, after } of rows) {
		const last = applied.get(JSON.stringify(table.key.map((column) => (before ?? after)![column] ?? null)));
		const unchanged =
			action === "INSERT"
				? last === undefined
				: last !== undefined && Object.keys(last).every((column) => isSame(before![column], last[column]));
		if (!unchanged) drift.push(difference(table, action, before, after));
	}
	return drift;
}

function difference({ name, key }: Table, action: MergedRow["action"], before: Row | null, after: Row | null): Drift {
	const row = (before ?? after)!;
	const row_key = key.map((column) => row[column] ?? "–").join(".");
	if (action !== "UPDATE") {
		const kind = action === "INSERT" ? "removed" : "added";
		return { table_name: name, row_key, kind, by_hand: before, by_code: after };
	}
	const differing = Object.keys(after!).filter((column) => !isSame(before![column], after![column]));
	const pick = (from: Row) => Object.fromEntries(differing.map((column) => [column, from[column]]));
	return { table_name: name, row_key, kind: "changed", by_hand: pick(before!), by_code: pick(after!) };
}

/** Of values from jsonb, whose keys come in one order. */
const isSame = (one: unknown, other: unknown) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);

async function keepApplied(client: pg.Client, tables: Table[], described: string): Promise<void> {
	await client.query("delete from public.studio_configuration where table_name <> $1", ["(triggers)"]);
	for (const { name, key, rows, theirs = [] } of tables) {
		const described = columnsOf(rows).filter((column) => !theirs.includes(column));
		await client.query(
			`insert into public.studio_configuration (table_name, row_key, content)
			select $2, ${keyOf("t", key)}, ${objectOf("t", described)}
			from directus.${name} t
			join jsonb_populate_recordset(null::directus.${name}, $1::jsonb) s on ${keyOf("t", key)} = ${keyOf("s", key)}`,
			[JSON.stringify(rows), name],
		);
	}
	await client.query(
		"insert into public.studio_configuration (table_name, row_key, content) values ($1, '[]', jsonb_build_object('sha256', $2::text))",
		[STAMP, described],
	);
}
