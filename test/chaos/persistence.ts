/** Whoever gets no answer, or is told to come again, comes again: merchants' servers, payers' browsers and providers alike. */
import { setTimeout as sleep } from "node:timers/promises";

export interface Answer {
	status: number;
	headers: Headers;
	text: string;
}

/** Longer than any disaster lasts: a merchant's server goes on for hours with what it must not lose. */
const PATIENCE_MS = 240_000;
const AGAIN_MS = 250;
/** A storm has no time for more, whatever it is told. */
const MOST_WAIT_MS = 2_000;
/** Of what stands before checkout as well. */
const COME_AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** Checkout's own, which say when. */
const SAY_WHEN: ReadonlySet<number> = new Set([429, 503]);

/**
 * Asks until there is an answer other than to come again, as long as the patience lasts; after that the last one is the answer.
 * `ask` sends the same request each time, under the same key; only what signs it may be made anew, as it holds the time.
 */
export async function persistently(ask: () => Promise<Answer>, patience_ms = PATIENCE_MS): Promise<Answer> {
	for (const deadline = Date.now() + patience_ms; ; ) {
		let wait_ms = AGAIN_MS;
		try {
			const answer = await ask();
			if (!COME_AGAIN.has(answer.status) || Date.now() >= deadline) return answer;
			const seconds = answer.headers.get("retry-after");
			if (seconds === null && SAY_WHEN.has(answer.status)) throw new UntoldError(answer);
			wait_ms = Math.min(Math.max(Number(seconds) * 1_000, AGAIN_MS), MOST_WAIT_MS);
		} catch (error) {
			if (error instanceof UntoldError || Date.now() >= deadline) throw error;
		}
		await sleep(wait_ms);
	}
}

/** Told to come again, and not when. */
class UntoldError extends Error {
	constructor({ status, text }: Answer) {
		super(`${status} without Retry-After: ${text.slice(0, 200)}`);
	}
}

/** The body is part of the answer: a connection may be lost in the middle of it. */
export async function ask(url: string, init: RequestInit): Promise<Answer> {
	const response = await fetch(url, init);
	return { status: response.status, headers: response.headers, text: await response.text() };
}
