/**
 * When the machine let us run too little: a worker that could not beat meanwhile ends itself, and who waits for a connection gives
 * up, which is no fault of theirs. Seen by a timer that fires late, and by what a new connection takes to answer.
 */
import { createConnection } from "../../db/client/connection.ts";

export interface Standstill {
	struck_at: number;
	seconds: number;
}

const EVERY_MS = 250;
/** Where there is nothing to wait for either takes a hundredth of it. A worker waits five times as long for a connection. */
const LEAST_MS = 1_000;

/** What is found so far; no timer fires in a process that does not run. */
export function watchStandstills(adminUrl: string): { found: readonly Standstill[]; close(): void } {
	const found: Standstill[] = [];
	let last = Date.now();
	let asked_at: number | null = null;
	const note = (struck_at: number) => {
		const seconds = (Date.now() - struck_at) / 1000;
		if (seconds * 1000 > LEAST_MS) found.push({ struck_at, seconds });
	};
	const timer = setInterval(() => {
		note(last);
		last = Date.now();
		if (asked_at !== null) return;
		asked_at = last;
		ask(adminUrl)
			.then((has_answered) => has_answered && note(asked_at!))
			.finally(() => {
				asked_at = null;
			});
	}, EVERY_MS);
	return { found, close: () => clearInterval(timer) };
}

/** False: the server is away, which is a disaster's doing. */
async function ask(connectionString: string): Promise<boolean> {
	const connection = createConnection({ connectionString, application_name: "chaos-standstills" });
	try {
		await connection.connect();
		await connection.query("select 1");
		return true;
	} catch {
		return false;
	} finally {
		connection.end().catch(() => {});
	}
}
