/**
 * Writes what people made in the studio beside the code as JSON, to be put into directus/config: `npm run studio:export`, or
 * `npm run --silent studio:export -- directus_flows directus_operations > flows.json` for some tables only. The options of a flow's
 * operations come as they are: look for passwords in them before you commit.
 */
import { readMadeByHand } from "../directus/config/by-hand.ts";
import { openStudioDatabase, requiresSecondFactor } from "./studio-database.ts";

const wanted = process.argv.slice(2);
const client = await openStudioDatabase();
try {
	const made = Object.entries(await readMadeByHand(client, { requireSecondFactor: requiresSecondFactor() }));
	const chosen = made.filter(([table]) => wanted.length === 0 || wanted.includes(table));
	process.stdout.write(`${JSON.stringify(Object.fromEntries(chosen), null, "\t")}\n`);
} finally {
	await client.end();
}
