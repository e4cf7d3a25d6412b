/**
 * Encrypts every stored secret again with the first key of ENCRYPTION_KEYS, so that older keys may be taken away:
 * `npm run secrets:rotate`, with DATABASE_URL of the role owner. Everything may go on running meanwhile: each secret is
 * replaced only if it is still what was read, and what was changed in between is looked at again. To be run once every
 * process has been started with the new key in front. May be stopped and run again at any time.
 */
import type { Pool } from "pg";
import { z } from "zod";
import { createPool } from "../db/client/pool.ts";
import {
	decryptSecret,
	type EncryptionKeys,
	encryptSecret,
	parseEncryptionKeys,
	SECRET_COLUMNS,
	type SecretColumn,
} from "../db/client/secrets.ts";

const BATCH = 500;
/** A pass after the first meets only what was written meanwhile; without an end to it, some process writes with an old key. */
const MAX_PASSES = 5;

const environment = z.object({
	DATABASE_URL: z.url({
		protocol: /^postgres(ql)?$/,
		error: "DATABASE_URL must be the postgres:// URL of the database role owner.",
	}),
	ENCRYPTION_KEYS: z.string({
		error: "ENCRYPTION_KEYS is not set: give it the new key, then the old ones, as the processes have it.",
	}),
});

interface Pass {
	replaced: number;
	/** Changed by somebody else between reading and writing. */
	missed: number;
	/** Why a secret did not open, one sentence each. */
	unreadable: string[];
}

async function rotateColumn(pool: Pool, keys: EncryptionKeys, secret: SecretColumn) {
	const { table, column, made_for = column, row_id = "id" } = secret;
	const pass: Pass = { replaced: 0, missed: 0, unreadable: [] };
	let after = "00000000-0000-0000-0000-000000000000";
	for (;;) {
		const { rows } = await pool.query<{ id: string; stored: string }>(
			`select ${row_id} as id, ${column} as stored from public.${table}
			where ${row_id} > $1 and split_part(${column}, '.', 2) <> $2 order by ${row_id} limit ${BATCH}`,
			[after, keys.current],
		);
		for (const { id, stored } of rows) {
			const place = { table, column: made_for, row: id };
			let plaintext: string;
			try {
				plaintext = decryptSecret(keys, stored, place);
			} catch (error) {
				pass.unreadable.push(made_for === column ? messageOf(error) : `${messageOf(error)} (in ${column})`);
				continue;
			}
			const { rowCount } = await pool.query(
				`update public.${table} set ${column} = $3 where ${row_id} = $1 and ${column} = $2`,
				[id, stored, encryptSecret(keys, plaintext, place)],
			);
			if (rowCount === 1) pass.replaced += 1;
			else pass.missed += 1;
		}
		if (rows.length < BATCH) return pass;
		after = rows.at(-1)!.id;
	}
}

/** Goes over all columns until there is nothing left to do. Returns whether every secret has the current key now. */
async function rotateSecrets(pool: Pool, keys: EncryptionKeys): Promise<boolean> {
	const replaced = new Map(SECRET_COLUMNS.map((place) => [place, 0]));
	let unreadable: string[] = [];
	let is_done = false;
	for (let number = 1; number <= MAX_PASSES && !is_done; number++) {
		unreadable = [];
		is_done = true;
		for (const place of SECRET_COLUMNS) {
			const pass = await rotateColumn(pool, keys, place);
			replaced.set(place, replaced.get(place)! + pass.replaced);
			unreadable.push(...pass.unreadable);
			if (pass.replaced + pass.missed > 0) is_done = false;
		}
	}
	for (const [{ table, column }, count] of replaced) console.log(`${table}.${column}: ${count} encrypted again`);
	for (const reason of unreadable) console.error(reason);
	if (!is_done) {
		console.error(
			"Secrets go on being written with another key: start every process with the new key first, then run this again.",
		);
	} else if (unreadable.length > 0) {
		console.error(`${unreadable.length} secret(s) did not open and were left as they are. Keep the older keys.`);
	} else {
		console.log(`Every secret is encrypted with the key "${keys.current}".`);
	}
	return is_done && unreadable.length === 0;
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

function readKeys(): { database_url: string; keys: EncryptionKeys } {
	const { DATABASE_URL, ENCRYPTION_KEYS } = environment.parse(process.env);
	return { database_url: DATABASE_URL, keys: parseEncryptionKeys(ENCRYPTION_KEYS) };
}

let given: ReturnType<typeof readKeys>;
try {
	given = readKeys();
} catch (error) {
	console.error(error instanceof z.ZodError ? error.issues[0]!.message : messageOf(error));
	process.exit(1);
}
const pool = createPool({
	connectionString: given.database_url,
	application_name: "lightspeedpay-rotate-secrets",
	max: 1,
});
try {
	// Whom the audit log names.
	await pool.query("select set_config('app.actor', 'secrets:rotate', false)");
	if (!(await rotateSecrets(pool, given.keys))) process.exitCode = 1;
} catch (error) {
	console.error(`Rotating stopped: ${messageOf(error)} Run it again.`);
	process.exitCode = 1;
} finally {
	await pool.end();
}
