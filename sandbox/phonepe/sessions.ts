import { timingSafeEqual } from "node:crypto";
import type { Request } from "express";
import { randomAlphanumeric } from "../ids.ts";
import type { Registry } from "../registry.ts";
import { PhonePeError, unauthorized } from "./errors.ts";

const TOKEN_LIFE_S = 3_600;
const MAX_TOKENS = 10_000;

function sameText(left: string, right: string): boolean {
	const a = Buffer.from(left);
	const b = Buffer.from(right);
	return a.length === b.length && timingSafeEqual(a, b);
}

/** Access tokens. They do not survive a restart: the callers' next call is answered with 401, as after an hour. */
export class AccessTokens {
	readonly #tokens = new Map<string, { api_key: string; expires_at: number }>();
	readonly #registry: Registry;

	constructor(registry: Registry) {
		this.#registry = registry;
	}

	issue(form: URLSearchParams) {
		const [client_id, client_secret] = [form.get("client_id") ?? "", form.get("client_secret") ?? ""];
		const is_well_formed =
			form.get("grant_type") === "client_credentials" && /^\d{1,6}$/.test(form.get("client_version") ?? "");
		if (!is_well_formed) throw new PhonePeError(400, "BAD_REQUEST", "Please check the inputs you have provided.");
		const account = this.#registry.findAccount("phonepe", client_id);
		if (account === undefined || !sameText(account.api_secret, client_secret)) throw unauthorized();
		const issued_at = Math.floor(Date.now() / 1000);
		const access_token = randomAlphanumeric(120);
		const expires_at = issued_at + TOKEN_LIFE_S;
		this.#tokens.set(access_token, { api_key: client_id, expires_at });
		if (this.#tokens.size > MAX_TOKENS) this.#tokens.delete(this.#tokens.keys().next().value!);
		return {
			access_token,
			encrypted_access_token: access_token,
			expires_in: TOKEN_LIFE_S,
			issued_at,
			expires_at,
			session_expires_at: expires_at,
			token_type: "O-Bearer",
		};
	}

	/** The key of the account that a request speaks for. */
	authenticate(req: Request): string {
		const [scheme, token = ""] = (req.headers.authorization ?? "").split(" ", 2);
		const session = this.#tokens.get(token);
		if (scheme !== "O-Bearer" || session === undefined) throw unauthorized();
		if (session.expires_at * 1000 <= Date.now()) {
			this.#tokens.delete(token);
			throw unauthorized();
		}
		return session.api_key;
	}
}
