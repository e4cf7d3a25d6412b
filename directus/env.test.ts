import { describe, expect, it } from "vitest";
import { directusEnvironment, readEnvironment } from "./env.ts";

const complete = {
	DATABASE_URL: "postgres://studio:p%2Cw@db.example.com/lightspeedpay",
	STUDIO_SECRET: "0123456789abcdef0123456789abcdef",
	ENCRYPTION_KEYS: "k1:AAAA",
	PUBLIC_CHECKOUT_URL: "https://pay.example.com/",
};

describe("the studio's environment", () => {
	it("listens on loopback unless told otherwise", () => {
		const env = readEnvironment(complete);
		expect([env.host, env.port, env.checkoutUrl]).toEqual(["127.0.0.1", 8055, "https://pay.example.com"]);
		expect(directusEnvironment(env).PUBLIC_URL).toBe("http://127.0.0.1:8055");
	});

	it.each([
		["DATABASE_URL", undefined],
		["DATABASE_URL", "mysql://db"],
		["STUDIO_SECRET", undefined],
		["STUDIO_SECRET", "short"],
		["ENCRYPTION_KEYS", undefined],
		["PUBLIC_CHECKOUT_URL", "pay.example.com"],
		["PUBLIC_STUDIO_URL", "ftp://studio"],
		["PORT", "http"],
		["PORT", "70000"],
		["LOG_LEVEL", "loud"],
		["STUDIO_TRUSTED_PROXIES", "10.0.0.0/8, nginx"],
		["STUDIO_TRUSTED_PROXIES", "10.0.0.0/33"],
	])("names %s when it is %s, in one sentence", (name, value) => {
		expect(() => readEnvironment({ ...complete, [name]: value })).toThrow(new RegExp(`^${name} [^\\n]+\\.$`));
	});

	it("believes no address but those of the proxies that are named", () => {
		const trusts = (list: string) =>
			directusEnvironment(readEnvironment({ ...complete, STUDIO_TRUSTED_PROXIES: list })).IP_TRUST_PROXY;
		expect(trusts("")).toBe("false");
		expect(trusts("10.0.0.7, 10.1.0.0/16,::1")).toBe("array:10.0.0.7,10.1.0.0/16,::1");
	});

	it("keeps what would weaken the studio switched off, and cookies secure behind https", () => {
		const env = directusEnvironment(readEnvironment({ ...complete, PUBLIC_STUDIO_URL: "https://studio.example.com/" }));
		expect(env).toMatchObject({
			PUBLIC_URL: "https://studio.example.com",
			SESSION_COOKIE_SECURE: "true",
			REFRESH_TOKEN_COOKIE_SECURE: "true",
			IP_TRUST_PROXY: "false",
			TELEMETRY: "false",
			MCP_ENABLED: "false",
			AI_ENABLED: "false",
			EXTENSIONS_MUST_LOAD: "true",
			DB_SEARCH_PATH: "array:directus,public",
		});
	});

	it("refuses nobody because it has been busy since it started", () => {
		expect(directusEnvironment(readEnvironment(complete))).toMatchObject({
			PRESSURE_LIMITER_MAX_EVENT_LOOP_UTILIZATION: "false",
		});
	});

	it("writes no line a request unless debugging", () => {
		const level = (LOG_LEVEL?: string) => directusEnvironment(readEnvironment({ ...complete, LOG_LEVEL })).LOG_LEVEL;
		expect([level(), level("info"), level("debug"), level("error")]).toEqual(["warn", "warn", "debug", "error"]);
	});
});
