/** Writes the studio's configuration into Directus' tables: rows that differ are changed, rows that are gone removed. */
import type pg from "pg";
import { collections, folders } from "./collections.ts";
import type { Bookmark, Collection, Field, Label } from "./fields.ts";
import { relations } from "./relations.ts";
import { type Permission, roles } from "./roles.ts";
import { settings } from "./settings.ts";

type Row = Record<string, unknown>;

interface Table {
	name: string;
	/** What names a row; compared with "is not distinct from". */
	key: string[];
	rows: Row[];
	/** Condition on t: rows of ours, removed when no longer described. Absent: nothing is removed. */
	ours?: string;
}

/** Applies everything in one transaction; answers how many rows were changed in each table (none the second time). */
export async function applyConfiguration(client: pg.Client): Promise<Record<string, number>> {
	const changed: Record<string, number> = {};
	await client.query("begin");
	try {
		for (const table of describe()) {
			const count = await mergeRows(client, table);
			if (count > 0) changed[table.name] = count;
		}
		await client.query("commit");
	} catch (error) {
		await client.query("rollback");
		throw error;
	}
	return changed;
}

function describe(): Table[] {
	const named = collections.map(({ collection }) => quote(collection)).join(", ");
	const allRoles = Object.values(roles);
	const policies = allRoles.map(({ policy }) => quote(policy)).join(", ");
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
			rows: collections.flatMap(({ collection, fields = [] }) =>
				fields.map((field, sort) => fieldRow(collection, field, sort + 1)),
			),
			ours: `t.collection in (${named})`,
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
			rows: allRoles.map(({ policy, name, icon, description, permissions }) => ({
				id: policy,
				name,
				icon,
				description,
				admin_access: permissions === "all",
				app_access: true,
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
		options: field.options ?? null,
		display: field.display ?? null,
		display_options: field.displayOptions ?? null,
		readonly: field.readonly ?? false,
		hidden: field.hidden ?? false,
		sort,
		width: field.width ?? "half",
		translations: field.label.en === field.field ? null : sectionLabel(field),
		note: field.note ?? null,
		required: field.required ?? false,
		group: field.group ?? null,
		validation: field.validation === undefined ? null : { _and: [field.validation] },
		validation_message: field.validationMessage || null,
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
		bookmark: bookmark?.name ?? null,
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

const quote = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

async function mergeRows(client: pg.Client, { name, key, rows, ours }: Table): Promise<number> {
	const columns = Object.keys(rows[0]!);
	for (const row of rows) {
		for (const column of Object.keys(row)) {
			if (!columns.includes(column)) columns.push(column);
		}
	}
	const { rows: types } = await client.query<{ name: string; is_json: boolean }>(
		`select attname as name, atttypid = 'json'::regtype as is_json from pg_catalog.pg_attribute
		where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
		[`directus.${name}`],
	);
	const jsonColumns = new Set(types.filter(({ is_json }) => is_json).map((type) => type.name));
	// Type json has no equality.
	const comparable = (alias: string, column: string) =>
		`${alias}.${identifier(column)}${jsonColumns.has(column) ? "::jsonb" : ""}`;
	// As one jsonb value, because a part of the key may be null and the join must be hashable.
	const keyOf = (alias: string) =>
		`jsonb_build_array(${key.map((column) => `${alias}.${identifier(column)}`).join(", ")})`;
	const values = columns.filter((column) => !key.includes(column));
	const differs = values.map((column) => `${comparable("t", column)} is distinct from ${comparable("s", column)}`);
	const { rowCount } = await client.query(
		`merge into directus.${name} t
		using jsonb_populate_recordset(null::directus.${name}, $1::jsonb) s
		on ${keyOf("t")} = ${keyOf("s")}
		when matched and (${differs.join(" or ")}) then
			update set ${values.map((column) => `${identifier(column)} = s.${identifier(column)}`).join(", ")}
		when not matched then
			insert (${columns.map(identifier).join(", ")}) values (${columns.map((column) => `s.${identifier(column)}`).join(", ")})
		${ours === undefined ? "" : `when not matched by source and ${ours} then delete`}`,
		[JSON.stringify(rows)],
	);
	return rowCount ?? 0;
}
