import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Exchange } from "../exchange.ts";
import { Sessions, sessionKey, type Token } from "./session.ts";

const KEY = "merchant";
const START = Date.parse("2026-11-21T05:00:00Z");
const LOST: Exchange = { kind: "lost", reason: "ECONNRESET", timed_out: false };

let sessions: Sessions;
/** The requests for a token that have no answer yet. */
let asked: ((exchange: Exchange) => void)[];
const ask = vi.fn(() => new Promise<Exchange>((resolve) => asked.push(resolve)));

beforeEach(() => {
	vi.useFakeTimers({ toFake: ["Date"], now: START });
	sessions = new Sessions();
	asked = [];
	ask.mockClear();
});
afterEach(() => {
	vi.useRealTimers();
});

function issued(access_token: string, more: Record<string, unknown> = {}): Exchange {
	// PhonePe's clock is two days off.
	const issued_at = START / 1000 - 172_800;
	const body = {
		access_token,
		token_type: "O-Bearer",
		expires_in: 3600,
		issued_at,
		expires_at: issued_at + 3600,
		...more,
	};
	return { kind: "answered", http_status: 200, headers: {}, body };
}

function wait(seconds: number): void {
	vi.setSystemTime(Date.now() + seconds * 1000);
}

async function tokenIn(result: ReturnType<Sessions["tokenFor"]>): Promise<Token> {
	const settled = await result;
	if (settled.kind !== "token") throw new Error("no token");
	return settled.token;
}

/** Asks for a token and has it given. */
async function firstToken(exchange = issued("a")): Promise<Token> {
	const result = sessions.tokenFor(KEY, ask);
	asked.shift()?.(exchange);
	return tokenIn(result);
}

/** Lets a request that nobody waits for come to its end. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

const current = async () => (await tokenIn(sessions.tokenFor(KEY, ask))).secret;

describe("a token", () => {
	test("is asked for once by all who need it at once", async () => {
		const results = Array.from({ length: 50 }, () => sessions.tokenFor(KEY, ask));
		expect(ask).toHaveBeenCalledTimes(1);
		asked[0]?.(issued("a"));
		const tokens = await Promise.all(results.map(tokenIn));
		expect(new Set(tokens).size).toBe(1);
		expect(tokens[0]?.authorization).toBe("O-Bearer a");
	});

	test("is of one account alone", async () => {
		await firstToken();
		void sessions.tokenFor("another merchant", ask);
		expect(ask).toHaveBeenCalledTimes(2);
	});

	test("is used as it is for half of its life, by this machine's clock", async () => {
		await firstToken();
		wait(1_799);
		expect(await current()).toBe("a");
		expect(ask).toHaveBeenCalledTimes(1);
	});

	test("is renewed from then on, once, while calls go on with the old one", async () => {
		await firstToken();
		wait(1_801);
		expect([await current(), await current(), await current()]).toEqual(["a", "a", "a"]);
		expect(ask).toHaveBeenCalledTimes(2);
		asked[0]?.(issued("b"));
		await settle();
		expect(await current()).toBe("b");
		wait(1_799);
		expect(await current()).toBe("b");
		expect(ask).toHaveBeenCalledTimes(2);
	});

	test.each([
		["a lost reply", LOST],
		["a refusal", { kind: "answered", http_status: 401, headers: {}, body: { code: "UNAUTHORIZED" } }],
		["a page", { kind: "answered", http_status: 200, headers: {}, body: "<html>" }],
	] as [string, Exchange][])("goes on until its end when it cannot be renewed: %s", async (_, exchange) => {
		await firstToken();
		wait(1_801);
		await current();
		asked.shift()?.(exchange);
		await settle();
		expect([await current(), await current()]).toEqual(["a", "a"]);
		// Half a minute passes before it is tried again.
		expect(ask).toHaveBeenCalledTimes(2);
		wait(31);
		expect(await current()).toBe("a");
		expect(ask).toHaveBeenCalledTimes(3);
		asked.shift()?.(issued("b"));
		await settle();
		expect(await current()).toBe("b");
	});

	test("is not used beyond its end", async () => {
		await firstToken();
		wait(3_600);
		const result = sessions.tokenFor(KEY, ask);
		asked.shift()?.(LOST);
		expect(await result).toEqual({ kind: "no_token", exchange: LOST });
		const next = sessions.tokenFor(KEY, ask);
		asked.shift()?.(issued("b"));
		expect((await tokenIn(next)).secret).toBe("b");
	});

	test.each([
		["only how long it lives", { issued_at: null, expires_at: undefined, expires_in: 600 }, 300],
		["nothing of its end", { issued_at: null, expires_at: null, expires_in: null }, 150],
		["an end before its beginning", { expires_at: 1, expires_in: 0 }, 150],
	])("that says %s is renewed all the same", async (_, fields, half_life_s) => {
		await firstToken(issued("a", fields));
		wait(half_life_s - 1);
		await current();
		expect(ask).toHaveBeenCalledTimes(1);
		wait(2);
		await current();
		expect(ask).toHaveBeenCalledTimes(2);
	});
});

describe("a token that was refused", () => {
	test("is replaced once for all calls that were made with it", async () => {
		const refused = await firstToken();
		const results = Array.from({ length: 20 }, () => sessions.replace(KEY, refused, ask));
		expect(ask).toHaveBeenCalledTimes(2);
		asked[0]?.(issued("b"));
		for (const result of results) expect((await tokenIn(result)).secret).toBe("b");
		// One that comes in later finds that it has been seen to.
		expect((await tokenIn(sessions.replace(KEY, refused, ask))).secret).toBe("b");
		expect(ask).toHaveBeenCalledTimes(2);
	});

	test("is not gone on with when no other is to be had", async () => {
		const refused = await firstToken();
		const result = sessions.replace(KEY, refused, ask);
		asked.shift()?.(LOST);
		expect((await result).kind).toBe("no_token");
		void sessions.tokenFor(KEY, ask);
		expect(ask).toHaveBeenCalledTimes(3);
	});

	test("takes the one that a renewal is bringing already", async () => {
		const refused = await firstToken();
		wait(1_801);
		await current();
		const result = sessions.replace(KEY, refused, ask);
		expect(ask).toHaveBeenCalledTimes(2);
		asked[0]?.(issued("b"));
		expect((await tokenIn(result)).secret).toBe("b");
	});
});

test("a session's name holds nothing of the secret, and differs with any part", () => {
	const key = sessionKey(["production", "client", "the secret", 1]);
	expect(key).not.toContain("secret");
	expect(sessionKey(["production", "client", "the secret", 1])).toBe(key);
	for (const other of [
		["sandbox", "client", "the secret", 1],
		["production", "clientt", "he secret", 1],
		["production", "client", "the secret", 2],
	]) {
		expect(sessionKey(other)).not.toBe(key);
	}
});
