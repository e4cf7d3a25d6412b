/** When the machine let none of us run: a worker that could not beat meanwhile ends itself, which is no fault of its own. */

export interface Standstill {
	struck_at: number;
	seconds: number;
}

const EVERY_MS = 250;
/** Under half of what a worker of a storm may be silent for. */
const LEAST_MS = 2_000;

/** What is found so far; no timer fires in a process that does not run. */
export function watchStandstills(): { found: readonly Standstill[]; close(): void } {
	const found: Standstill[] = [];
	let last = Date.now();
	const timer = setInterval(() => {
		const now = Date.now();
		if (now - last > LEAST_MS) found.push({ struck_at: last, seconds: (now - last) / 1000 });
		last = now;
	}, EVERY_MS);
	return { found, close: () => clearInterval(timer) };
}
