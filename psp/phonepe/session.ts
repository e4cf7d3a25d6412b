/**
 * Access tokens, one an account, held by this process alone. Each lives for as long as PhonePe said and is never stored. From
 * half of that on it is renewed while calls go on with it, so that nobody waits for a renewal, or for one that fails.
 */

import { createHash } from "node:crypto";
import { z } from "zod";
import type { Exchange } from "../exchange.ts";

export interface Token {
	/** The value of the Authorization header. */
	readonly authorization: string;
	/** Without the scheme, to keep it out of what is recorded. */
	readonly secret: string;
	/** By this machine's clock, in ms. */
	readonly renew_at: number;
	readonly expires_at: number;
}

export type TokenResult = { kind: "token"; token: Token } | { kind: "no_token"; exchange: Exchange };

interface Session {
	token: Token | null;
	/** The one request for a token that is under way; whoever needs one meanwhile waits for it. */
	renewal: Promise<TokenResult> | null;
	/** After a renewal that failed: not every call is to ask again. */
	next_renewal_at: number;
}

/** More accounts than one process serves; the oldest only has to ask for a token again. */
const MAX_SESSIONS = 10_000;
const PAUSE_AFTER_FAILURE_MS = 30_000;
/** Of a token that says nothing of its end; PhonePe's live for an hour. */
const DEFAULT_LIFE_S = 300;

const tokenSchema = z.object({
	access_token: z.string().min(1).max(8_000),
	token_type: z
		.string()
		.regex(/^[\w-]{1,40}$/)
		.catch("O-Bearer"),
	issued_at: z.number().nullish().catch(null),
	expires_at: z.number().nullish().catch(null),
	expires_in: z.number().nullish().catch(null),
});

export class Sessions {
	readonly #sessions = new Map<string, Session>();

	/** A token to call with. `ask` makes the request for one, and never rejects; one request serves all who wait. */
	async tokenFor(key: string, ask: () => Promise<Exchange>): Promise<TokenResult> {
		const session = this.#session(key);
		const now = Date.now();
		const { token } = session;
		if (token === null || now >= token.expires_at) return this.#renew(session, ask);
		if (now >= token.renew_at && now >= session.next_renewal_at) void this.#renew(session, ask);
		return { kind: "token", token };
	}

	/** Another token than the one that PhonePe has just refused. */
	async replace(key: string, refused: Token, ask: () => Promise<Exchange>): Promise<TokenResult> {
		const session = this.#session(key);
		// Calls that ran at once are refused one after the other; the first has seen to it.
		if (session.token !== null && session.token !== refused) return { kind: "token", token: session.token };
		session.token = null;
		return this.#renew(session, ask);
	}

	#renew(session: Session, ask: () => Promise<Exchange>): Promise<TokenResult> {
		session.renewal ??= this.#ask(session, ask).finally(() => {
			session.renewal = null;
		});
		return session.renewal;
	}

	async #ask(session: Session, ask: () => Promise<Exchange>): Promise<TokenResult> {
		const asked_at = Date.now();
		const exchange = await ask();
		const token = readToken(exchange, asked_at);
		if (token !== null) {
			session.token = token;
			session.next_renewal_at = 0;
			return { kind: "token", token };
		}
		const now = Date.now();
		session.next_renewal_at = now + PAUSE_AFTER_FAILURE_MS;
		if (session.token !== null && now < session.token.expires_at) return { kind: "token", token: session.token };
		return { kind: "no_token", exchange };
	}

	#session(key: string): Session {
		let session = this.#sessions.get(key);
		if (session === undefined) {
			session = { token: null, renewal: null, next_renewal_at: 0 };
			this.#sessions.set(key, session);
			if (this.#sessions.size > MAX_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value as string);
		}
		return session;
	}
}

/** Names a session without holding the secret that it was opened with. */
export function sessionKey(parts: readonly (string | number)[]): string {
	return createHash("sha256").update(JSON.stringify(parts)).digest("base64");
}

function readToken(exchange: Exchange, asked_at: number): Token | null {
	if (exchange.kind !== "answered" || exchange.http_status < 200 || exchange.http_status > 299) return null;
	const parsed = tokenSchema.safeParse(exchange.body);
	if (!parsed.success) return null;
	const { access_token, token_type, issued_at, expires_at, expires_in } = parsed.data;
	// Both times are PhonePe's, so that a clock of ours that is wrong does not matter.
	const stated = issued_at && expires_at ? expires_at - issued_at : expires_in;
	const life_ms = (stated && stated > 0 ? stated : DEFAULT_LIFE_S) * 1000;
	return {
		authorization: `${token_type} ${access_token}`,
		secret: access_token,
		renew_at: asked_at + life_ms / 2,
		expires_at: asked_at + life_ms,
	};
}
