/** What people made in the studio beside what the code describes: flows, dashboards, roles, bookmarks for all, … */
import type pg from "pg";
import { type ConfigurationOptions, describe, keyOf } from "./apply.ts";

type Row = Record<string, unknown>;

interface Source {
	table: string;
	/** Condition on t: rows that are configuration; people's own things are theirs. */
	where?: string;
	order: string;
	/** Columns that say who made it when, or are numbers of this database. */
	without: string[];
}

const MADE_BY = ["user_created", "date_created"];
/** Directus' own: what people without a login may do, which is nothing. */
const PUBLIC_POLICY = "'abf8a154-5b1c-4a46-ac9c-7300570f4f17'";

const SOURCES: Source[] = [
	{ table: "directus_collections", order: "collection", without: [] },
	{ table: "directus_fields", order: "collection, field", without: ["id"] },
	{ table: "directus_relations", order: "many_collection, many_field", without: ["id"] },
	{ table: "directus_roles", order: "name, id", without: [] },
	{ table: "directus_policies", where: `t.id <> ${PUBLIC_POLICY}`, order: "name, id", without: [] },
	{
		table: "directus_access",
		where: `t."user" is null and t.role is not null and t.policy <> ${PUBLIC_POLICY}`,
		order: "id",
		without: [],
	},
	{ table: "directus_permissions", order: "policy, collection, action", without: ["id"] },
	{ table: "directus_flows", order: "name, id", without: MADE_BY },
	{ table: "directus_operations", order: "flow, position_y, position_x, id", without: MADE_BY },
	{ table: "directus_dashboards", order: "name, id", without: MADE_BY },
	{ table: "directus_panels", order: "dashboard, position_y, position_x, id", without: MADE_BY },
	{ table: "directus_presets", where: `t."user" is null`, order: "collection, bookmark", without: ["id"] },
	{ table: "directus_translations", order: "key, language", without: ["id"] },
	{ table: "directus_folders", order: "name, id", without: [] },
];

/** By table, in an order that does not change from one reading to the next; tables without such rows are left out. */
export async function readMadeByHand(
	client: pg.Client,
	options: ConfigurationOptions = {},
): Promise<Record<string, Row[]>> {
	const described = new Map(describe(options).map((table) => [table.name, table]));
	const found: Record<string, Row[]> = {};
	for (const { table, where = "true", order, without } of SOURCES) {
		const { key = ["id"], rows: ours = [] } = described.get(table) ?? {};
		const keys = ours.map((row) => key.map((column) => row[column] ?? null));
		const { rows } = await client.query<{ row: Row }>(
			`select to_jsonb(t) - $2::text[] as row from directus.${table} t
			where ${where} and ${keyOf("t", key)} not in (select value from jsonb_array_elements($1::jsonb))
			order by ${order}`,
			[JSON.stringify(keys), without],
		);
		if (rows.length > 0) found[table] = rows.map(({ row }) => row);
	}
	return found;
}

/** What a person calls it. */
export function titleOf(row: Row): string {
	const title = row.name ?? row.bookmark ?? row.key ?? row.field ?? row.many_field ?? row.action ?? row.id ?? "";
	const at = row.collection ?? row.many_collection;
	return at === undefined || at === null ? String(title) : `${at}${title === "" ? "" : `: ${title}`}`;
}
