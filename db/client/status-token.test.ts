import { createHmac, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createStatusToken, isStatusToken } from "./status-token.ts";

const key = randomBytes(32);
const id = "0199f3a2-5b1c-7d4e-8f60-1a2b3c4d5e6f";

test("a status token is the transaction id's HMAC, and opens that transaction only", () => {
	const token = createStatusToken(key, id);
	expect(token).toBe(createHmac("sha256", key).update(id).digest("base64url"));
	expect(isStatusToken(key, id, token)).toBe(true);
	expect(isStatusToken(key, id.replace("0199", "0198"), token)).toBe(false);
	expect(isStatusToken(randomBytes(32), id, token)).toBe(false);
});

test.each(["", "x", "é".repeat(43), "A".repeat(43)])("%j is no status token", (token) => {
	expect(isStatusToken(key, id, token)).toBe(false);
});
