import { describe, expect, it } from "vitest";
import { readEnv } from "./env.ts";

const complete = {
	DATABASE_URL: "postgres://checkout:x@127.0.0.1/lightspeedpay",
	ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString("base64")}`,
	STATUS_TOKEN_KEY: Buffer.alloc(32).toString("base64"),
	PUBLIC_CHECKOUT_URL: "https://pay.example.com/",
};

describe("readEnv", () => {
	it("fills in what may be left out", () => {
		expect(readEnv({ ...complete, SANDBOX_URL: "" })).toMatchObject({
			HOST: "127.0.0.1",
			PORT: 3000,
			LOG_LEVEL: "info",
			PUBLIC_CHECKOUT_URL: "https://pay.example.com",
			TRUSTED_PROXIES: [],
		});
	});

	it.each(Object.keys(complete))("says that %s is not set", (name) => {
		expect(() => readEnv({ ...complete, [name]: undefined })).toThrow(
			new RegExp(`^${name} is not set: it must .+\\.$`),
		);
	});

	it.each([
		["DATABASE_URL", "mysql://x", /^DATABASE_URL must start with postgres:\/\/\.$/],
		["ENCRYPTION_KEYS", "k1:short", /^ENCRYPTION_KEYS must be a comma-separated list/],
		["STATUS_TOKEN_KEY", "short", /^STATUS_TOKEN_KEY must be base64 of 32 random bytes\.$/],
		["PUBLIC_CHECKOUT_URL", "pay.example.com", /^PUBLIC_CHECKOUT_URL must be an absolute URL/],
		["PORT", "http", /^PORT must be a port number\.$/],
		["PORT", "70000", /^PORT must be a port number\.$/],
		["LOG_LEVEL", "loud", /^LOG_LEVEL must be fatal, error/],
		["TRUSTED_PROXIES", "10.0.0.0/8, nginx", /^TRUSTED_PROXIES must be addresses or CIDR ranges/],
		["METRICS_TOKEN", "short", /^METRICS_TOKEN must have at least 16 characters\.$/],
	])("explains a wrong %s (%s) in one sentence", (name, value, message) => {
		expect(() => readEnv({ ...complete, [name]: value })).toThrow(message);
	});

	it("refuses a sandbox in production", () => {
		const variables = { ...complete, SANDBOX_URL: "http://127.0.0.1:4000", NODE_ENV: "production" };
		expect(() => readEnv(variables)).toThrow(/sandbox must not stand in for the PSPs/);
	});
});
