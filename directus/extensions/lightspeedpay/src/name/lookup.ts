/** Names of rows, asked for together and kept for a while: a list shows the same few again and again. */
interface Client {
	get(path: string, options: { params: object }): Promise<{ data: { data: Record<string, string>[] } }>;
}

interface Question {
	id: string;
	answer: (name: string | null) => void;
}

const KEEP_MS = 60_000;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const known = new Map<string, { name: string | null; until: number }>();
const waiting = new Map<string, Question[]>();

/** Null where the id names nothing that this person may read. */
export function findName(api: Client, collection: string, field: string, id: string): Promise<string | null> {
	if (!UUID.test(id)) return Promise.resolve(null);
	const place = `${collection}/${field}`;
	const kept = known.get(`${place}/${id}`);
	if (kept !== undefined && kept.until > Date.now()) return Promise.resolve(kept.name);
	return new Promise((answer) => {
		const questions = waiting.get(place);
		if (questions !== undefined) {
			questions.push({ id, answer });
			return;
		}
		waiting.set(place, [{ id, answer }]);
		// All cells of a list are drawn in one turn.
		setTimeout(() => ask(api, collection, field, place), 10);
	});
}

async function ask(api: Client, collection: string, field: string, place: string): Promise<void> {
	const questions = waiting.get(place) ?? [];
	waiting.delete(place);
	const path = collection.startsWith("directus_") ? `/${collection.slice("directus_".length)}` : `/items/${collection}`;
	const ids = [...new Set(questions.map(({ id }) => id))];
	const names = new Map<string, string>();
	try {
		const { data } = await api.get(path, {
			params: { fields: ["id", field], filter: { id: { _in: ids } }, limit: ids.length },
		});
		for (const row of data.data) names.set(row.id!, row[field]!);
	} catch {
		// Not allowed to read it: the id is shown.
	}
	for (const { id, answer } of questions) {
		const name = names.get(id) ?? null;
		known.set(`${place}/${id}`, { name, until: Date.now() + KEEP_MS });
		answer(name);
	}
}
