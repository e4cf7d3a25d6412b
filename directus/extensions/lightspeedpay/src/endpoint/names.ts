/** Names of those who act: people and flows are kept by their ids, what acts by itself by the name of its database role. */
import type { Studio } from "./context.ts";

export async function namesOf(studio: Studio, actors: readonly (string | null)[]): Promise<(actor: string) => string> {
	const wanted = [...new Set(actors.filter((actor) => actor !== null))];
	if (wanted.length === 0) return (actor) => actor;
	const { rows } = await studio.database.raw(
		`select id::text as actor, coalesce(nullif(trim(concat(first_name, ' ', last_name)), ''), email) as name
			from directus.directus_users where id::text = any (?::text[])
		union all
		select 'flow:' || id, name from directus.directus_flows where 'flow:' || id = any (?::text[])`,
		[wanted, wanted],
	);
	const names = new Map(rows.map(({ actor, name }) => [actor as string, name as string]));
	return (actor) => names.get(actor) ?? actor;
}
