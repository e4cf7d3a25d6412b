import { describe, expect, it } from "vitest";
import { EnvError, readEnv } from "./env.ts";

const KEYS = `k1:${Buffer.alloc(32, 1).toString("base64")}`;
const ENV = {
	DATABASE_URL: "postgres://jobs:secret@127.0.0.1:5432/lightspeedpay",
	ENCRYPTION_KEYS: KEYS,
	STATUS_TOKEN_KEY: Buffer.alloc(32, 2).toString("base64"),
	PUBLIC_CHECKOUT_URL: "https://pay.example.in/",
};

describe("the environment of the jobs process", () => {
	it("is read with defaults that are safe", () => {
		const env = readEnv(ENV);
		expect(env).toMatchObject({
			checkout_url: "https://pay.example.in",
			sandbox_url: null,
			log_level: "info",
			worker_beat_seconds: 5,
		});
		expect(env.outbound_allowed_hosts.size).toBe(0);
		expect([...env.egress_groups]).toEqual(["default"]);
		expect(env.encryption_keys.current).toBe("k1");
	});

	it("takes the sandbox and the hosts that merchants' webhooks may reach", () => {
		const env = readEnv({
			...ENV,
			SANDBOX_URL: "http://127.0.0.1:4000/",
			OUTBOUND_ALLOWED_HOSTS: "127.0.0.1:4000, Shop.Test:443,[::1]:80",
		});
		expect(env.sandbox_url).toBe("http://127.0.0.1:4000");
		expect([...env.outbound_allowed_hosts]).toEqual(["127.0.0.1:4000", "shop.test:443", "[::1]:80"]);
	});

	it("takes the groups of gateways whose PSPs it is to call", () => {
		expect([...readEnv({ ...ENV, EGRESS_GROUPS: "mumbai, eu-west_1,mumbai" }).egress_groups]).toEqual([
			"mumbai",
			"eu-west_1",
		]);
	});

	it.each([
		["DATABASE_URL", undefined, "DATABASE_URL is not set: give it the connection URL of the database role jobs."],
		["DATABASE_URL", "mysql://x", "DATABASE_URL must start with postgres:// or postgresql://."],
		["ENCRYPTION_KEYS", "", "ENCRYPTION_KEYS is not set"],
		["ENCRYPTION_KEYS", "k1:short", "ENCRYPTION_KEYS must be"],
		["STATUS_TOKEN_KEY", undefined, "STATUS_TOKEN_KEY is not set"],
		["STATUS_TOKEN_KEY", "c2hvcnQ=", "STATUS_TOKEN_KEY must be"],
		["PUBLIC_CHECKOUT_URL", undefined, "PUBLIC_CHECKOUT_URL is not set"],
		["PUBLIC_CHECKOUT_URL", "pay.example.in", "PUBLIC_CHECKOUT_URL must be a URL"],
		["OUTBOUND_ALLOWED_HOSTS", "http://127.0.0.1:4000", "OUTBOUND_ALLOWED_HOSTS must be"],
		["EGRESS_GROUPS", "Mumbai", "EGRESS_GROUPS must be"],
		["EGRESS_GROUPS", "default;mumbai", "EGRESS_GROUPS must be"],
		["EGRESS_GROUPS", ",", "EGRESS_GROUPS names no group"],
		["LOG_LEVEL", "loud", "LOG_LEVEL must be one of"],
		["WORKER_BEAT_SECONDS", "30", "WORKER_BEAT_SECONDS must be between 0.1 and 6."],
	])("is refused in one sentence when %s is %s", (name, value, sentence) => {
		expect(() => readEnv({ ...ENV, [name]: value })).toThrow(EnvError);
		expect(() => readEnv({ ...ENV, [name]: value })).toThrow(sentence);
	});

	it("refuses a sandbox in production", () => {
		expect(() => readEnv({ ...ENV, SANDBOX_URL: "http://127.0.0.1:4000", NODE_ENV: "production" })).toThrow(
			"SANDBOX_URL is set although NODE_ENV is production",
		);
	});
});
