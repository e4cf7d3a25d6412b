/**
 * What differs between the code and the studio, changing nothing: `npm run studio:diff`. The first part is what the next start
 * would set back, the second what people made beside it, which stays. Ends with 1 when the first part is not empty.
 */
import { compareConfiguration } from "../directus/config/apply.ts";
import { readMadeByHand, titleOf } from "../directus/config/by-hand.ts";
import { openStudioDatabase, requiresSecondFactor } from "./studio-database.ts";

const client = await openStudioDatabase();
try {
	const options = { requireSecondFactor: requiresSecondFactor() };
	const differences = await compareConfiguration(client, options);
	if (differences.length === 0) console.log("The studio is as the code says.");
	else
		console.log(
			`${differences.length} of what the code describes is different in the studio; the next start sets it back:`,
		);
	const short = (value: unknown) => {
		const text = JSON.stringify(value) ?? "null";
		return text.length > 160 ? `${text.slice(0, 160)}…` : text;
	};
	for (const { table_name, row_key, kind, by_hand, by_code } of differences) {
		console.log(`  ${kind.padEnd(8)} ${table_name} ${row_key}`);
		if (kind !== "changed") continue;
		for (const column of Object.keys(by_code ?? {})) {
			console.log(
				`           ${column}: ${short(by_hand?.[column])} in the studio, ${short(by_code?.[column])} in the code`,
			);
		}
	}
	const made = Object.entries(await readMadeByHand(client, options));
	if (made.length > 0) {
		console.log("\nMade in the studio beside it; stays, and `npm run studio:export` writes it as JSON:");
		for (const [table, rows] of made) {
			console.log(
				`  ${table}: ${rows.slice(0, 8).map(titleOf).join(", ")}${rows.length > 8 ? `, … (${rows.length})` : ""}`,
			);
		}
	}
	process.exitCode = differences.length === 0 ? 0 : 1;
} finally {
	await client.end();
}
