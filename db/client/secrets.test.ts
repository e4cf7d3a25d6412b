import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { decryptSecret, encryptSecret, openGatewaySecrets, parseEncryptionKeys } from "./secrets.ts";

const base64Key = () => randomBytes(32).toString("base64");
const place = { table: "clients", column: "client_salt", row: "01a1fcb1-51b6-7942-941e-8a8dcb909dd5" };

describe("a secret", () => {
	const keys = parseEncryptionKeys(`k1:${base64Key()}`);

	test("opens again at its own place", () => {
		const stored = encryptSecret(keys, "नमस्ते s3cret", place);
		expect(stored).toMatch(/^v1\.k1\./);
		expect(stored).not.toContain("s3cret");
		expect(decryptSecret(keys, stored, place)).toBe("नमस्ते s3cret");
	});

	test("never encrypts twice to the same text", () => {
		expect(encryptSecret(keys, "x", place)).not.toBe(encryptSecret(keys, "x", place));
	});

	test.each([
		["row", { ...place, row: "another" }],
		["column", { ...place, column: "webhook_secret" }],
		["table", { ...place, table: "payment_gateways" }],
	])("does not open when it was moved to another %s", (_, elsewhere) => {
		const stored = encryptSecret(keys, "x", place);
		expect(() => decryptSecret(keys, stored, elsewhere)).toThrow(/does not open/);
	});

	test("does not open when one bit was changed", () => {
		const stored = encryptSecret(keys, "some secret", place);
		const [version, kid, iv, sealed] = stored.split(".");
		const bytes = Buffer.from(sealed!, "base64url");
		bytes[0]! ^= 1;
		expect(() => decryptSecret(keys, [version, kid, iv, bytes.toString("base64url")].join("."), place)).toThrow(
			/does not open/,
		);
	});

	test.each(["plain text", "v1.k1.aaaa", "v2.k1.aaaa.bbbb", ""])("refuses %j, which is no ciphertext", (stored) => {
		expect(() => decryptSecret(keys, stored, place)).toThrow(/not an encrypted secret/);
	});
});

describe("a gateway's secrets", () => {
	const keys = parseEncryptionKeys(`k1:${base64Key()}`);
	const id = "01a1fcb1-51b6-7942-941e-8a8dcb909dd6";
	const sealed = (column: string) =>
		encryptSecret(keys, `the ${column}`, { table: "payment_gateways", column, row: id });
	const gateway = {
		id,
		api_key: "rzp_test",
		api_secret: sealed("api_secret"),
		webhook_secret: sealed("webhook_secret"),
		settings: { merchant_id: "m1" },
	};

	test("open together", () => {
		expect(openGatewaySecrets(keys, gateway)).toEqual({
			api_key: "rzp_test",
			api_secret: "the api_secret",
			webhook_secret: "the webhook_secret",
			settings: { merchant_id: "m1" },
		});
		expect(openGatewaySecrets(keys, { ...gateway, webhook_secret: null }).webhook_secret).toBeNull();
	});

	test("do not open when they changed places", () => {
		const { api_secret, webhook_secret } = gateway;
		expect(() => openGatewaySecrets(keys, { ...gateway, api_secret: webhook_secret })).toThrow(/does not open/);
		expect(() => openGatewaySecrets(keys, { ...gateway, webhook_secret: api_secret })).toThrow(/does not open/);
	});
});

describe("ENCRYPTION_KEYS", () => {
	test("encrypts with the first key and opens with any, so that keys can be rotated", () => {
		const [first, second] = [base64Key(), base64Key()];
		const before = parseEncryptionKeys(`old:${first}`);
		const after = parseEncryptionKeys(`new:${second},old:${first}`);
		const stored = encryptSecret(before, "x", place);
		expect(decryptSecret(after, stored, place)).toBe("x");
		expect(encryptSecret(after, "x", place)).toMatch(/^v1\.new\./);
		expect(() => decryptSecret(parseEncryptionKeys(`new:${second}`), stored, place)).toThrow(/"old"/);
	});

	test.each([
		["", /list of/],
		["k1", /list of/],
		["k1:c2hvcnQ=", /32 random bytes/],
		[`k1:${base64Key()},k1:${base64Key()}`, /twice/],
	])("refuses %j", (text, message) => {
		expect(() => parseEncryptionKeys(text)).toThrow(message);
	});
});
