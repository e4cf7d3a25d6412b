/**
 * Directus keeps the schema of GraphQL by role and person, and its resolvers go on with the rights of the request that it was
 * made for: from an address that a policy shuts out, a person would be answered as from the one they asked from before.
 * Here each address has a schema of its own.
 */
import { people } from "../actor/people.ts";

interface Cache {
	get(key: string): unknown;
	set(key: string, schema: unknown): unknown;
}

// As a variable, else it would be bundled, and be another cache.
const MODULE = "@directus/api/services/graphql/schema-cache";

export async function keepSchemasByAddress(): Promise<void> {
	const { cache } = (await import(MODULE)) as { cache: Cache };
	const keyOf = (key: string) => `${key}_${people.getStore()?.address ?? ""}`;
	const get = cache.get.bind(cache);
	const set = cache.set.bind(cache);
	cache.get = (key) => get(keyOf(key));
	cache.set = (key, schema) => set(keyOf(key), schema);
}
